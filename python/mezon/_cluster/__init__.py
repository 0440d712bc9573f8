"""One bot on many machines: a relay holds the connection, workers run the handlers, NATS JetStream connects them."""

from mezon.errors import MezonError

try:
    import nats as _nats  # noqa: F401 (only whether the optional extra is installed)
except ImportError:
    raise MezonError('many machines need the NATS client: pip install "mezon-rs[nats]"') from None
