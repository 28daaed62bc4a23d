"""The published clients, ready to ask a server. They are imported only when they are asked for."""

import ssl
from urllib.parse import urlsplit

from .errors import ClientNotInstalled


class AnyToken:
    """Credentials that nobody looks at."""

    def get_token(self, *_scopes, **_options):
        """A token that is good until the year 2100."""
        from azure.core.credentials import AccessToken

        return AccessToken("any", 4102444800)


def azure_client(url, ca_file, subscription, **options):
    """A `SiteRecoveryManagementClient` for a subscription; `options` go to it as they are."""
    try:
        from azure.mgmt.recoveryservicessiterecovery import SiteRecoveryManagementClient
    except ImportError as error:
        raise ClientNotInstalled("pip install switchback-dr[azure] brings azure-mgmt-recoveryservicessiterecovery") from error
    # Operations are over at the second look: to look again soon wastes nothing.
    settings = {"polling_interval": 0.02, "connection_verify": str(ca_file), "credential_scopes": [f"{url}/.default"], **options}
    return SiteRecoveryManagementClient(AnyToken(), subscription, base_url=url, **settings)


def vsphere(url, ca_file, **options):
    """A session of pyVmomi with the vCenter; `options` go to `SmartConnect` as they are."""
    try:
        from pyVim.connect import SmartConnect
    except ImportError as error:
        raise ClientNotInstalled("pip install switchback-dr[vsphere] brings pyvmomi") from error
    parts = urlsplit(url)
    settings = {"user": "any", "pwd": "any", "sslContext": ssl.create_default_context(cafile=str(ca_file)), **options}
    return SmartConnect(host=parts.hostname, port=parts.port, **settings)
