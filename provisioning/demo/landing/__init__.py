"""The demo's first page: the site's clock, the line switches, the devices in one's hands, a seat for each person."""

from provisioning.demo.landing.app import make_landing as make_landing
from provisioning.demo.landing.server import Landing as Landing
from provisioning.demo.landing.server import serve as serve
