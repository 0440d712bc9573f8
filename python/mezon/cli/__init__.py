"""The command ``mezon``: new, run, dev, chat, gateway, doctor, bench, cache. Needs ``pip install "mezon-rs[cli]"``.

``mezon --help`` lists the commands; ``mezon COMMAND --help`` shows examples. Exit codes of all commands:

==== =========================================================================
0    success; stopping a bot with Ctrl-C is a success
1    failure: the bot ended with an error, or a check of ``mezon doctor`` failed
2    usage error: an unknown option, no bot found, a missing extra
130  interrupted before the command was done
==== =========================================================================
"""
