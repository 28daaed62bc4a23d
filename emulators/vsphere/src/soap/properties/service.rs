//! ServiceInstance and the managers there is one of each.

use super::super::events;
use super::super::object::{Folder, Known, Object};
use super::super::session::{Session, default_collector};
use super::super::value::{Data, Value};
use super::super::world::World;
use super::entity;

/// The version of the interface that is spoken, and of the product that is looked like.
const API_VERSION: &str = "8.0.3.0";
const VERSION: &str = "8.0.3";
/// No build of the product has this number.
const BUILD: &str = "1";
const PRODUCT: &str = "VMware vCenter Server";
const HOST_PRODUCT: &str = "VMware ESXi";
/// Of this vCenter; there is one in a world.
const INSTANCE_UUID: &str = "52000000-0000-0000-0000-000000000000";
/// How many collectors of events a session may make, and how many of tasks there could be. None of these can be made.
const COLLECTORS_MAX: i32 = 32;

pub(super) fn property(world: &World<'_>, kind: &str, name: &str) -> Known {
    match (kind, name) {
        ("ServiceInstance", "serverClock") => world.now.into(),
        ("ServiceInstance", "content") => service_content(world).into(),
        ("ServiceInstance", "capability") => Data::new("Capability")
            .with("provisioningSupported", false)
            .with("multiHostSupported", true)
            .with("userShellAccessSupported", false)
            .into(),
        ("SessionManager", "currentSession") => Known::some(world.session.map(Session::shown)),
        ("SessionManager", "sessionList") => {
            Value::list("UserSession", world.sessions.all().map(Session::shown)).into()
        }
        ("SessionManager", "message") => "".into(),
        ("SessionManager", "messageLocaleList" | "supportedLocaleList") => {
            Value::texts(["en".to_owned()]).into()
        }
        ("SessionManager", "defaultLocale") => "en".into(),
        ("ViewManager", "viewList") => {
            let views = world.session.into_iter().flat_map(|session| session.views.values());
            Value::refs(views.map(|view| world.reference(&Object::View(view)))).into()
        }
        ("TaskManager", "recentTask") => Value::refs(entity::recent(world, None)).into(),
        ("TaskManager" | "EventManager", "maxCollector") => COLLECTORS_MAX.into(),
        ("EventManager", "latestEvent") => Known::some(events::all(world).pop()),
        _ => Known::NotEmulated,
    }
}

/// Where everything else is found. A manager that is not emulated is not there.
pub(crate) fn service_content(world: &World<'_>) -> Data {
    let service = |kind| world.reference(&Object::Service(kind));
    Data::new("ServiceContent")
        .with("rootFolder", world.reference(&Object::Folder(Folder::Root)))
        .with("propertyCollector", default_collector())
        .with("viewManager", service("ViewManager"))
        .with("about", if world.alone.is_some() { about_host() } else { about() })
        .with("sessionManager", service("SessionManager"))
        .with("taskManager", service("TaskManager"))
        .with("searchIndex", service("SearchIndex"))
        .with("fileManager", service("FileManager"))
        .with("virtualDiskManager", service("VirtualDiskManager"))
        .with("eventManager", service("EventManager"))
        .with("ovfManager", service("OvfManager"))
}

/// What a host says of itself, where no vCenter speaks for it.
fn about_host() -> Data {
    Data::new("AboutInfo")
        .with("name", HOST_PRODUCT)
        .with("fullName", format!("{HOST_PRODUCT} {VERSION} build-{BUILD} (emulated by Switchback)"))
        .with("vendor", "VMware, Inc.")
        .with("version", VERSION)
        .with("patchLevel", "00000")
        .with("build", BUILD)
        .with("localeVersion", "INTL")
        .with("localeBuild", "000")
        .with("osType", "vmnix-x86")
        .with("productLineId", "embeddedEsx")
        .with("apiType", "HostAgent")
        .with("apiVersion", API_VERSION)
        .with("licenseProductName", "VMware ESX Server")
        .with("licenseProductVersion", "8.0")
}

fn about() -> Data {
    Data::new("AboutInfo")
        .with("name", PRODUCT)
        .with("fullName", format!("{PRODUCT} {VERSION} build-{BUILD} (emulated by Switchback)"))
        .with("vendor", "VMware, Inc.")
        .with("version", VERSION)
        .with("patchLevel", "00000")
        .with("build", BUILD)
        .with("localeVersion", "INTL")
        .with("localeBuild", "000")
        .with("osType", "linux-x64")
        .with("productLineId", "vpx")
        .with("apiType", "VirtualCenter")
        .with("apiVersion", API_VERSION)
        .with("instanceUuid", INSTANCE_UUID)
        .with("licenseProductName", PRODUCT)
        .with("licenseProductVersion", "8.0")
}
