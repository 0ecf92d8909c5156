"""The outbound gate: every socket that tagtide opens outward is opened here.

A name is resolved and judged in the step that connects, and the connection goes to the judged
address, so that nothing can change in between: `http` for web addresses, `mail` for mail servers,
`guard` for code of others that opens its own sockets in a process of its own.
"""

from tagtide.net.addresses import MAIL_PORTS as MAIL_PORTS
from tagtide.net.addresses import AddressRefused as AddressRefused
from tagtide.net.addresses import Endpoint as Endpoint
from tagtide.net.addresses import IPNetwork as IPNetwork
from tagtide.net.addresses import Refusal as Refusal
from tagtide.net.addresses import Target as Target
from tagtide.net.addresses import is_loopback_name as is_loopback_name
from tagtide.net.addresses import is_public as is_public
from tagtide.net.addresses import judge as judge
from tagtide.net.addresses import networks as networks
from tagtide.net.addresses import vet_host as vet_host
from tagtide.net.addresses import vet_url as vet_url
from tagtide.net.http import make_client as make_client
