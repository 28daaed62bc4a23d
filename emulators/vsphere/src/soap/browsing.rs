//! HostDatastoreBrowser: looking for files.

use super::context::{Arguments, Context};
use super::fault::SoapFault;
use super::filing::{check_accessible, path, shown};
use super::operations::Outcome;
use super::store::DatastorePath;
use super::store::look::{self, Found};
use super::tasks::task;
use super::types::types;
use super::value::{Data, Ref, Value, long};
use super::world::World;

/// What is looked for, and what is told of it.
#[derive(Debug, Default)]
struct Search {
    patterns: Vec<String>,
    is_caseless: bool,
    queries: Vec<&'static str>,
    tells_size: bool,
    tells_time: bool,
    tells_type: bool,
}

impl Search {
    fn read(spec: Option<&Data>) -> Self {
        let flag =
            |data: Option<&Data>, field| data.and_then(|data| data.get(field)) == Some(&Value::Bool(true));
        let details = spec.and_then(|spec| spec.get("details")).and_then(Value::data);
        let items = |field| spec.and_then(|spec| spec.get(field)).map_or(&[][..], Value::items);
        Self {
            patterns: items("matchPattern").iter().filter_map(Value::text).cloned().collect(),
            is_caseless: flag(spec, "searchCaseInsensitive"),
            queries: items("query").iter().filter_map(Value::data).map(|query| query.kind).collect(),
            tells_size: flag(details, "fileSize"),
            tells_time: flag(details, "modification"),
            tells_type: flag(details, "fileType"),
        }
    }

    fn finds(&self, name: &str) -> bool {
        let fold = |text: &str| if self.is_caseless { text.to_lowercase() } else { text.to_owned() };
        let name = fold(name);
        self.patterns.is_empty() || self.patterns.iter().any(|pattern| matches(&fold(pattern), &name))
    }

    /// The type of what is told of a file; none where it is not asked for.
    fn kind(&self, name: &str, found: &Found<'_>) -> Option<&'static str> {
        let kind = match (found, name.rsplit_once('.').map(|(_, ending)| ending)) {
            (Found::Folder, _) => "FolderFileInfo",
            (_, Some("vmdk")) if !name.ends_with("-flat.vmdk") && !name.ends_with("-sesparse.vmdk") => {
                "VmDiskFileInfo"
            }
            (_, Some("vmx")) => "VmConfigFileInfo",
            (_, Some("vmtx")) => "TemplateConfigFileInfo",
            (_, Some("vmsn")) => "VmSnapshotFileInfo",
            (_, Some("log")) => "VmLogFileInfo",
            (_, Some("nvram")) => "VmNvramFileInfo",
            (_, Some("iso")) => "IsoImageFileInfo",
            _ => "FileInfo",
        };
        let wants = |query: &&'static str| {
            let wanted = query.strip_suffix("Query").map(|wanted| format!("{wanted}Info"));
            *query == "FileQuery" || wanted.is_some_and(|wanted| types().is_a(kind, &wanted))
        };
        let is_wanted = self.queries.is_empty() || self.queries.iter().any(wants);
        // Types are told to those who ask for them, or for some.
        let plain = !self.tells_type && self.queries.is_empty() && kind != "FolderFileInfo";
        is_wanted.then_some(if plain { "FileInfo" } else { kind })
    }

    fn tell(&self, world: &World<'_>, name: &str, found: &Found<'_>) -> Option<Data> {
        let info = Data::new(self.kind(name, found)?).with("path", name);
        let size = self.tells_size.then(|| long(found.bytes(world)));
        let time = self.tells_time.then(|| found.modified());
        Some(info.with_some("fileSize", size).with_some("modification", time))
    }
}

/// `*` is anything, `?` one character.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut at, mut here) = (0, 0);
    // Where the last star stood, and up to where it was taken to reach.
    let mut star: Option<(usize, usize)> = None;
    while here < name.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, here));
                at += 1;
            }
            Some(one) if *one == '?' || *one == name[here] => {
                at += 1;
                here += 1;
            }
            _ => {
                let Some((stood, reached)) = star else { return false };
                star = Some((stood, reached + 1));
                at = stood + 1;
                here = reached + 1;
            }
        }
    }
    pattern[at..].iter().all(|rest| *rest == '*')
}

fn results(world: &World<'_>, folder: &DatastorePath, search: &Search) -> Data {
    let children = look::children(world, folder);
    let found = children.iter().filter(|(name, _)| search.finds(name));
    let told = found.filter_map(|(name, found)| search.tell(world, name, found));
    let slash = if folder.is_root() { "" } else { "/" };
    let written = format!("{}{slash}", folder.written(world.vcenter));
    Data::new("HostDatastoreBrowserSearchResults")
        .with("datastore", Ref::new("Datastore", folder.store))
        .with("folderPath", written.trim_end())
        .with("file", Value::list("FileInfo", told))
}

fn folder(context: &Context<'_>, text: &str) -> Result<DatastorePath, SoapFault> {
    let at = path(context, text)?;
    check_accessible(context, at.store)?;
    match look::find(&context.world(), &at) {
        Some(Found::Folder) => Ok(at),
        _ => Err(SoapFault::file("FileNotFound", &shown(context, &at))),
    }
}

pub(super) fn search(context: &mut Context<'_>, arguments: &Arguments) -> Result<Outcome, SoapFault> {
    let (text, search) =
        (arguments.text("datastorePath").to_owned(), Search::read(arguments.data("searchSpec")));
    Ok(task(context, "SearchDatastore_Task", None, |context| {
        let at = folder(context, &text)?;
        Ok(Some(results(&context.world(), &at, &search).into()))
    }))
}

pub(super) fn search_below(context: &mut Context<'_>, arguments: &Arguments) -> Result<Outcome, SoapFault> {
    let (text, search) =
        (arguments.text("datastorePath").to_owned(), Search::read(arguments.data("searchSpec")));
    Ok(task(context, "SearchDatastoreSubFolders_Task", None, |context| {
        let at = folder(context, &text)?;
        let world = context.world();
        let mut folders = vec![at.clone()];
        for (path, found) in look::all_below(&world, &at) {
            if matches!(found, Found::Folder) && path != at.path {
                folders.push(DatastorePath { store: at.store, path });
            }
        }
        let each = folders.iter().map(|folder| results(&world, folder, &search));
        Ok(Some(Value::list("HostDatastoreBrowserSearchResults", each)))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_a_shell() {
        for (pattern, name) in
            [("*.vmdk", "a.vmdk"), ("*", "x"), ("a?c", "abc"), ("*b*d", "abcd"), ("", ""), ("a*", "a")]
        {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("*.vmdk", "a.vmx"), ("a?c", "ac"), ("", "x"), ("*b*d", "abdc")] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }
}
