"""A scenario that is served: started when it is entered, stopped when it is left."""

from . import clients
from .binary import find_binary
from .control import Control
from .errors import Unreachable
from .process import Process

#: How many seconds a server may take until it answers. The largest estates take the most.
READY_SECONDS = 60
#: How many records one request brings.
PAGE = 1000
#: The name of a snapshot that was given none.
SNAPSHOT = "switchback"


class Served:
    """The Azure and the vCenter of a scenario, behind HTTPS on loopback.

    `time` is `instant` (it jumps whenever a client waits), `real`, or a factor such as `60x`. `binary` names another program than the
    installed one, `options` are further words for `switchback serve`, and `ready_seconds` is how long the start may take.

    Raises `BinaryNotFound`, `ScenarioInvalid`, `NotStarted` and `NeverReady` when it is entered.
    """

    def __init__(self, scenario, time="instant", *, binary=None, options=(), ready_seconds=READY_SECONDS):
        self.scenario = scenario
        self._time, self._binary = time, binary
        self._options, self._ready_seconds = options, ready_seconds
        self._process = self._control = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def start(self):
        """Starts the server and waits until it answers. One that runs already goes on."""
        if self._process is None:
            binary = find_binary(self._binary)
            self._process = Process(binary, self.scenario, self._time, self._options, self._ready_seconds)
            self._control = Control(self.url, self.ca_file)
        return self

    def stop(self):
        """Stops the server. What it knew is gone."""
        process, self._process, self._control = self._process, None, None
        if process is not None:
            process.stop()

    @property
    def url(self):
        """The address, such as `https://localhost:43211`."""
        return self._running().url

    @property
    def ca_file(self):
        """The certificate of the authority that clients are to trust."""
        return self._running().ca_file

    @property
    def vault_path(self):
        """The path of the vault in Resource Manager, from `/subscriptions`."""
        return self._running().vault_path

    @property
    def subscription(self):
        """The id of the subscription."""
        return self.vault_path.split("/")[2]

    @property
    def resource_group(self):
        """The resource group of the vault."""
        return self.vault_path.split("/")[4]

    @property
    def vault(self):
        """The name of the vault."""
        return self.vault_path.split("/")[8]

    def azure_client(self, **options):
        """A `SiteRecoveryManagementClient`, unmodified. Raises `ClientNotInstalled`."""
        return clients.azure_client(self.url, self.ca_file, self.subscription, **options)

    def vsphere(self, **options):
        """A session of pyVmomi with the vCenter. Raises `ClientNotInstalled`."""
        return clients.vsphere(self.url, self.ca_file, **options)

    def state(self):
        """How far it is: `seconds` since the beginning, `machines`, `requests`."""
        return self._ask("GET", "health")

    def advance(self, seconds):
        """Lets so many whole seconds pass, at most those of a month."""
        return self._ask("POST", "advance", {"seconds": seconds})

    def reset(self):
        """Begins again from the beginning."""
        return self._ask("POST", "reset")

    def inject(self, fault):
        """Injects a fault on the wire, as the guide to serving describes it. Gives its number."""
        return self._ask("POST", "faults", fault)["number"]

    def clear(self, number=None):
        """Clears one fault on the wire, or all of them."""
        self._ask("DELETE", "faults" if number is None else f"faults/{number}")

    def faults(self):
        """The faults on the wire, and how often each was `seen` and `met`."""
        return self._ask("GET", "faults")["faults"]

    def intervene(self, *steps):
        """Has something done to the site and the cloud, as steps of the scenario language. Gives the numbers of the steps."""
        told = self._ask("POST", "interventions", {"steps": list(steps)})
        return [one["number"] for one in told["interventions"]]

    def snapshot(self, name=SNAPSHOT):
        """Keeps the world as it is, with all that clients have made, under a name of small letters, digits and hyphens."""
        self._ask("POST", "snapshots", {"name": name})
        return name

    def restore(self, name=SNAPSHOT):
        """Goes back to a snapshot."""
        self._ask("POST", f"snapshots/{name}/restore")

    def digest(self):
        """The digest of everything that has happened: the same requests give the same."""
        return self._ask("GET", "digest")["digest"]

    def requests(self):
        """What was asked, with which answer, oldest first."""
        return self._pages("requests", "requests")

    def trace(self):
        """What has happened in the world, oldest first."""
        return self._pages("trace", "happenings")

    def _pages(self, path, key):
        found, after = [], 0
        while True:
            page = self._ask("GET", f"{path}?after={after}&most={PAGE}")[key]
            if not page:
                return found
            found += page
            after = page[-1]["number"]

    def _ask(self, method, path, body=None):
        self._running()
        return self._control.ask(method, path, body)

    def _running(self):
        if self._process is None:
            raise Unreachable(f"{self.scenario} is not served: use it in a `with` statement")
        return self._process
