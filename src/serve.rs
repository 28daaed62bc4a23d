//! `switchback serve`.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, mpsc};

use anyhow::Context as _;
use switchback_scenarios::read_file;
use switchback_serve::{Options, Rehearsed, Server};

use crate::args::ServeArgs;
use crate::check::print_report;
use crate::exit::Exit;
use crate::say;

/// Serves a scenario until it is interrupted.
pub(crate) fn serve(args: &ServeArgs) -> anyhow::Result<Exit> {
    let scenario = match read_file(&args.file) {
        Ok(scenario) => scenario,
        Err(report) => {
            print_report(&report);
            return Ok(Exit::InvalidScenario);
        }
    };
    let scenario = Arc::new(scenario);
    let rehearsed = match Rehearsed::of(Arc::clone(&scenario), args.time) {
        Ok(rehearsed) => rehearsed,
        Err(error) => {
            say::talk(&format!("switchback: {error}"));
            return Ok(Exit::InvalidScenario);
        }
    };
    let names = rehearsed.world().azure().names().clone();
    let options = Options { address: SocketAddr::new(args.listen, args.port) };
    let server = Server::bind(rehearsed, &options)?;
    let server = match &args.host {
        Some(name) => server.with_host(name)?,
        None => server,
    };
    let written = fs::write(&args.ca_file, server.authority());
    written.with_context(|| format!("cannot write {}", args.ca_file.display()))?;

    let base = format!("https://localhost:{}", server.address().port());
    let vault = format!(
        "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.RecoveryServices/vaults/{}",
        names.subscription, names.resource_group, names.vault
    );
    let ca = args.ca_file.display().to_string();
    let port = server.address().port();
    say::result(&format!(
        "serving {} at {base}, and at http://localhost:{port} too\nauthority  {ca}\nvault      {vault}\n",
        scenario.name
    ))?;
    say::result(&lines_to_copy(&base, port, &ca, &names.subscription, &vault))?;
    if !is_loopback(args.listen) {
        say::talk("switchback: this address can be reached from elsewhere, and there are no passwords");
    }
    if let Some(file) = &args.ready_file {
        fs::write(file, &base).with_context(|| format!("cannot write {}", file.display()))?;
    }
    let (interrupt, interrupted) = mpsc::channel();
    ctrlc::set_handler(move || interrupt.send(()).unwrap_or_default())?;
    server.run(interrupted)?;
    Ok(Exit::Held)
}

/// What each client needs to be told, to be copied.
fn lines_to_copy(base: &str, port: u16, ca: &str, subscription: &str, vault: &str) -> String {
    format!(
        "curl       curl --cacert {ca} '{base}{vault}/replicationFabrics?api-version=2025-08-01'\n\
         Python     SiteRecoveryManagementClient(credential, '{subscription}', base_url='{base}',\n\
         \x20          credential_scopes=['{base}/.default'], connection_verify='{ca}', polling_interval=0.05)\n\
         JavaScript new SiteRecoveryManagementClient(credential, '{subscription}', {{ endpoint: '{base}', $host: '{base}',\n\
         \x20          credentialScopes: '{base}/.default' }}), with NODE_EXTRA_CA_CERTS={ca}\n\
         az         REQUESTS_CA_BUNDLE={ca} AZURE_CORE_INSTANCE_DISCOVERY=false \\\n\
         \x20          az cloud register -n switchback --endpoint-resource-manager {base}\n\
         pyVmomi    SmartConnect(host='localhost', port={port}, user='any', pwd='any',\n\
         \x20          sslContext=ssl.create_default_context(cafile='{ca}'))\n\
         govmomi    GOVC_URL=https://any:any@localhost:{port}/sdk GOVC_TLS_CA_CERTS={ca} govc ls\n\
         vim_rs     ClientBuilder::new(\"localhost:{port}\", http).basic_authn(\"any\", \"any\"), where http trusts {ca}\n\
         time       curl --cacert {ca} -d '{{\"seconds\": 600}}' {base}/switchback/advance"
    )
}

/// A server waits most of its time: it is to hold what it needs, and not that rounded up to huge pages of two MiB. Where the
/// system does not know them, there is nothing to be done.
#[cfg(target_os = "linux")]
pub(crate) fn save_memory() {
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

#[cfg(not(target_os = "linux"))]
pub(crate) const fn save_memory() {}

const fn is_loopback(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback(),
        IpAddr::V6(address) => address.is_loopback(),
    }
}
