"""The command ``mezon``: new, run, dev, chat, gateway, doctor, bench, cache. Needs ``pip install "mezon-rs[cli]"``.

``mezon --help`` lists the commands, ``mezon COMMAND --help`` has examples. Exit codes of all of them:

==== =====================================================================
0    done; a bot that was stopped with Ctrl-C is done
1    it failed: the bot ended with an error, a check of the doctor failed
2    wrong use: an unknown option, no bot found, a missing extra
130  interrupted before it was done
==== =====================================================================
"""
