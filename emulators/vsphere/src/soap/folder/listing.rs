//! Folders as pages, as browsers and scripts know them.

use super::super::store::DatastorePath;
use super::super::store::look::{self, Found};
use super::super::world::World;
use super::super::write::escape;

/// The datastores there are.
pub(super) fn stores(world: &World<'_>) -> String {
    let datacenter = &world.vcenter.datacenter().name;
    let rows = world.datastores().map(|store| {
        let link = format!("/folder?dcPath={}&dsName={}", encoded(datacenter), encoded(&store.name));
        row(&link, &store.name, store.capacity_bytes)
    });
    page(&format!("Index of {datacenter}"), rows)
}

/// What lies in a folder.
pub(super) fn folder(world: &World<'_>, at: &DatastorePath) -> String {
    let store = world.vcenter.datastore(at.store).map_or("", |store| store.name.as_str());
    let query = format!("dcPath={}&dsName={}", encoded(&world.vcenter.datacenter().name), encoded(store));
    let rows = look::children(world, at).into_iter().map(|(name, found)| {
        let path = at.child(&name).path;
        let names: Vec<String> = path.split('/').map(encoded).collect();
        let (slash, bytes) = match found {
            Found::Folder => ("/", 0),
            found => ("", found.bytes(world)),
        };
        row(&format!("/folder/{}{slash}?{query}", names.join("/")), &format!("{name}{slash}"), bytes)
    });
    page(&format!("Index of {}", at.written(world.vcenter)), rows)
}

fn row(link: &str, name: &str, bytes: u64) -> String {
    format!(
        "<tr><td><a href=\"{}\">{}</a></td><td align=\"right\">{bytes}</td></tr>\n",
        plain(link),
        plain(name)
    )
}

fn page(title: &str, rows: impl Iterator<Item = String>) -> String {
    let (title, rows) = (plain(title), rows.collect::<String>());
    format!(
        "<!DOCTYPE html>\n<html><head><title>{title}</title></head><body>\n<h1>{title}</h1>\n<table>\n\
         <tr><th>Name</th><th>Size</th></tr>\n{rows}</table>\n</body></html>\n"
    )
}

fn plain(text: &str) -> String {
    let mut out = String::new();
    escape(&mut out, text);
    out
}

/// What an address may not hold is written by number.
fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}
