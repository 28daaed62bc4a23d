//! Which operation a path names. Paths are matched without regard to case, as Resource Manager does; names keep theirs.

use super::inventory::none_of;
use super::operations;
use super::{Arm, Rehearsal, Request, Response};

/// An answer, or the refusal that is the answer.
pub(super) type Answer = Result<Response, Response>;

impl Arm {
    pub(super) fn route<R: Rehearsal>(&mut self, request: &Request<'_>, rehearsal: &mut R) -> Answer {
        let path = decoded(request.path).ok_or_else(|| {
            Response::error(400, "BadRequest", "The path is not well-formed percent-encoding of UTF-8.")
        })?;
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        let lower: Vec<String> = segments.iter().map(|segment| segment.to_ascii_lowercase()).collect();
        let words: Vec<&str> = lower.iter().map(String::as_str).collect();
        if let Some(answer) = super::sign_in::answer(request, &words, rehearsal) {
            return answer;
        }
        if words.first() != Some(&"subscriptions") && words.first() != Some(&"tenants") {
            return Err(Response::error(404, "ResourceNotFound", &format!("There is nothing at '{path}'.")));
        }
        check_version(request)?;
        match words.as_slice() {
            [
                "subscriptions",
                _,
                "resourcegroups",
                _,
                "providers",
                "microsoft.recoveryservices",
                "vaults",
                _,
                below @ ..,
            ] if !below.is_empty() => {
                self.check_vault(&segments, rehearsal)?;
                self.in_vault(request, &segments[8..], below, rehearsal)
            }
            _ => self.resource(request, &segments, &words, rehearsal),
        }
    }

    /// What is not in the subscription, resource group or vault of the scenario is not there.
    fn check_vault<R: Rehearsal>(&self, segments: &[&str], rehearsal: &R) -> Result<(), Response> {
        let names = rehearsal.cloud().names();
        super::resources::check_group(segments, names)?;
        let vault = segments[7];
        if vault.eq_ignore_ascii_case(&names.vault) {
            return Ok(());
        }
        Err(super::resources::not_found(super::names::VAULTS, vault, &names.resource_group))
    }

    /// `segments` are below the vault, `words` the same in small letters.
    fn in_vault<R: Rehearsal>(
        &mut self,
        request: &Request<'_>,
        segments: &[&str],
        words: &[&str],
        r: &mut R,
    ) -> Answer {
        let method = request.method;
        match (method, words) {
            // Below whichever resource an operation is about.
            ("GET", [.., "operationresults", operation]) => self.operation_result(operation, r),
            ("GET", ["replicationfabrics"]) => Ok(self.only(|r| self.fabric(r, false), r)),
            ("PUT", ["replicationfabrics", _]) => self.create_fabric(request, segments[1], r),
            ("GET", ["replicationfabrics", _]) => {
                self.check_fabric(segments, r)?;
                Ok(Response::ok(self.fabric(r, true)))
            }
            ("DELETE", ["replicationfabrics", _]) => {
                self.check_fabric(segments, r)?;
                self.remove_fabric(request, &segments.join("/"), r)
            }
            ("POST", ["replicationfabrics", _, action]) => {
                self.check_fabric(segments, r)?;
                self.act_on_fabric(request, action, r)
            }
            ("GET", ["replicationprotectioncontainers"]) => Ok(self.only(|r| self.container(r), r)),
            ("GET", ["replicationprotecteditems"]) => self.list_items(request, r),
            ("GET", ["replicationprotectioncontainermappings"]) => Ok(self.list_mappings(r)),
            ("GET", ["replicationrecoveryservicesproviders"]) => Ok(self.only(|r| self.provider(r), r)),
            ("GET", ["replicationvcenters"]) => Ok(self.list_site_servers(r)),
            ("GET", ["replicationappliances"]) => Ok(self.list_appliances(r)),
            ("GET", ["replicationsupportedoperatingsystems"]) => self.supported_systems(request, r),
            (_, ["replicationvaultsettings", ..]) => self.of_vault_settings(request, segments, r),
            (_, ["replicationfabrics", _, ..]) => {
                self.check_fabric(segments, r)?;
                self.in_fabric(request, &segments[2..], &words[2..], r)
            }
            (_, ["replicationpolicies", ..]) => self.policies(request, segments, words, r),
            ("GET", ["replicationjobs"]) => self.list_jobs(request, r),
            ("GET", ["replicationjobs", job]) => self.show_job(job, r),
            ("POST", ["replicationjobs", job, "cancel"]) => self.cancel_job(request, job, r),
            ("POST", ["replicationjobs", job, "resume"]) => self.resume_job(request, job, r),
            ("POST", ["replicationjobs", job, "restart"]) => self.restart_job(request, job, r),
            (_, ["replicationrecoveryplans", ..]) => self.plans(request, segments, words, r),
            ("GET", ["replicationoperationstatus", operation]) => self.operation_status(operation, r),
            ("GET", ["replicationevents"]) => self.list_events(request, r),
            ("GET", ["replicationevents", _]) => self.show_event(segments[1], r),
            ("GET", ["replicationvaulthealth"]) => Ok(Response::ok(self.vault_health(r))),
            ("POST", ["replicationvaulthealth", "default", "refresh"]) => {
                Ok(self.done_at_once(request, &segments.join("/"), r))
            }
            (_, ["replicationalertsettings", ..]) => self.alert_settings(request, segments, r),
            _ => none_of(request, segments, words).unwrap_or_else(|| Err(not_answered(method, segments))),
        }
    }

    fn in_fabric<R: Rehearsal>(
        &mut self,
        request: &Request<'_>,
        segments: &[&str],
        words: &[&str],
        r: &mut R,
    ) -> Answer {
        let method = request.method;
        match (method, words) {
            ("GET", ["replicationprotectioncontainers"]) => Ok(Response::list(vec![self.container(r)])),
            ("GET", ["replicationrecoveryservicesproviders"]) => Ok(Response::list(vec![self.provider(r)])),
            (_, ["replicationrecoveryservicesproviders", _, ..]) => {
                self.act_on_provider(request, segments, r)
            }
            (_, ["replicationvcenters", ..]) => self.of_site_servers(request, segments, r),
            ("GET", ["replicationprotectioncontainers", _]) => {
                self.check_container(segments, r)?;
                Ok(Response::ok(self.container(r)))
            }
            (_, ["replicationprotectioncontainers", _, ..]) => {
                self.check_container(segments, r)?;
                self.in_container(request, &segments[2..], &words[2..], r)
            }
            _ => none_of(request, segments, words).unwrap_or_else(|| {
                Err(not_answered(method, &[&["replicationFabrics", "x"], segments].concat()))
            }),
        }
    }

    fn in_container<R: Rehearsal>(
        &mut self,
        request: &Request<'_>,
        segments: &[&str],
        words: &[&str],
        r: &mut R,
    ) -> Answer {
        let method = request.method;
        match (method, words) {
            ("GET", ["replicationprotectableitems"]) => self.list_protectable(request, r),
            ("GET", ["replicationprotectableitems", name]) => self.show_protectable(name, r),
            (_, ["replicationprotectioncontainermappings", ..]) => self.mappings(request, segments, words, r),
            ("GET", ["replicationprotecteditems"]) => self.list_items(request, r),
            ("GET", ["replicationprotecteditems", name]) => self.show_item(name, r),
            ("PUT", ["replicationprotecteditems", _]) => self.enable(request, segments[1], r),
            ("PATCH", ["replicationprotecteditems", name]) => self.update_item(request, name, r),
            ("DELETE", ["replicationprotecteditems", name]) => self.act(request, name, "remove", r),
            ("GET", ["replicationprotecteditems", name, "recoverypoints"]) => self.list_points(name, r),
            ("GET", ["replicationprotecteditems", name, "recoverypoints", point]) => {
                self.show_point(name, point, r)
            }
            ("GET", ["replicationprotecteditems", name, "targetcomputesizes"]) => self.sizes(name, r),
            ("POST", ["replicationprotecteditems", name, action]) if super::actions::is_known(action) => {
                self.act(request, name, action, r)
            }
            (
                "POST",
                [
                    "replicationprotecteditems",
                    name,
                    action @ ("updateappliance"
                    | "updatemobilityservice"
                    | "resolvehealtherrors"
                    | "removedisks"),
                ],
            ) => self.maintain(request, name, action, r),
            ("POST", ["discoverprotectableitem"]) => self.discover(request, r),
            _ => {
                let above = ["replicationFabrics", "x", "replicationProtectionContainers", "x"];
                Err(not_answered(method, &[&above, segments].concat()))
            }
        }
    }
}

/// An operation that is not answered says which it is; one that the service does not have is not found.
pub(super) fn not_answered(method: &str, segments: &[&str]) -> Response {
    let mut of_path = operations::of_path(segments).peekable();
    if of_path.peek().is_none() {
        let message = format!("There is no resource type at '{}'.", segments.join("/"));
        return Response::error(404, "InvalidResourceType", &message);
    }
    match of_path.find(|operation| operation.method == method) {
        Some(operation) => {
            let message = format!("The operation {} is not emulated.", operation.name);
            Response::error(501, "OperationNotEmulated", &message)
        }
        None => Response::error(405, "MethodNotAllowed", &format!("{method} is no verb of this resource.")),
    }
}

/// Any well-formed version will do; none is refused as Resource Manager does.
fn check_version(request: &Request<'_>) -> Result<(), Response> {
    match request.query_value("api-version") {
        None | Some("") => Err(Response::error(
            400,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        )),
        Some(version) if is_version(version) => Ok(()),
        Some(version) => Err(Response::error(
            400,
            "InvalidApiVersionParameter",
            &format!("The api-version '{version}' is invalid. Its form is YYYY-MM-DD or YYYY-MM-DD-preview."),
        )),
    }
}

fn is_version(version: &str) -> bool {
    let date = version.strip_suffix("-preview").unwrap_or(version);
    let is_digit =
        |(at, byte): (usize, u8)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() };
    date.len() == 10 && date.bytes().enumerate().all(is_digit)
}

pub(super) fn decoded(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = after.get(..2).and_then(|digits| core::str::from_utf8(digits).ok())?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = &after[2..];
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_dates() {
        assert!(is_version("2025-08-01") && is_version("2021-02-10-preview"));
        assert!(!is_version("latest") && !is_version("2025-8-1") && !is_version("2025-08-01-beta"));
    }

    #[test]
    fn paths_are_decoded_or_refused() {
        assert_eq!(decoded("/a%20b/%C3%A4"), Some("/a b/ä".to_owned()));
        for bad in ["/%", "/%2", "/%zz", "/%FF"] {
            assert_eq!(decoded(bad), None, "{bad}");
        }
    }
}
