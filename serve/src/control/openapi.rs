//! The description of the control surface, made from its routes.

use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Answered, Call, Gives, ROOT, ROUTES, Route, ok};
use crate::surfaces::Surfaces;

/// An OpenAPI document.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
pub(super) struct Description(BTreeMap<String, Value>);

/// An error of the control surface.
#[derive(Debug, Serialize, JsonSchema)]
struct ErrorBody {
    error: ErrorInner,
}

/// What was wrong.
#[derive(Debug, Serialize, JsonSchema)]
struct ErrorInner {
    code: String,
    message: String,
    details: Vec<String>,
}

pub(super) fn answer(_: &mut Surfaces, _: &Call<'_>) -> Answered {
    ok(&description())
}

fn description() -> Value {
    let mut generator = SchemaSettings::openapi3().into_generator();
    let mut paths: Map<String, Value> = Map::new();
    for route in ROUTES {
        let path = paths.entry(format!("{ROOT}/{}", route.path)).or_insert_with(|| json!({}));
        path[route.method.to_ascii_lowercase()] = operation(route, &mut generator);
    }
    json!({
        "openapi": "3.0.3",
        "info": {
            "title": "Switchback: the control surface",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Kept apart from the emulated surfaces: time, faults, what has happened, snapshots.",
        },
        "paths": paths,
        "components": { "schemas": generator.take_definitions(true) },
    })
}

fn operation(route: &Route, generator: &mut SchemaGenerator) -> Value {
    let mut operation = json!({
        "operationId": operation_id(route),
        "summary": route.summary,
        "parameters": parameters(route),
        "responses": responses(route, generator),
    });
    if let Some(takes) = route.takes {
        let schema = takes(generator);
        operation["requestBody"] =
            json!({ "required": true, "content": { "application/json": { "schema": schema } } });
    }
    operation
}

/// `postSnapshotsNameRestore`
fn operation_id(route: &Route) -> String {
    let words = route.path.split(|at: char| !at.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let capital = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
    route.method.to_ascii_lowercase() + &words.map(capital).collect::<String>()
}

fn parameters(route: &Route) -> Vec<Value> {
    let names = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let schema = |name: &str| match name {
        "number" => json!({ "type": "integer", "minimum": 1, "maximum": super::NUMBER_MAX }),
        _ => json!({ "type": "string", "pattern": "^[a-z0-9-]{1,64}$" }),
    };
    let in_path =
        names.map(|name| json!({ "name": name, "in": "path", "required": true, "schema": schema(name) }));
    let whole = json!({ "type": "integer", "minimum": 0, "maximum": super::NUMBER_MAX });
    let in_query = ["after", "most"].into_iter().filter(|_| route.is_paged);
    let in_query = in_query.map(|name| json!({ "name": name, "in": "query", "schema": whole }));
    in_path.chain(in_query).collect()
}

fn responses(route: &Route, generator: &mut SchemaGenerator) -> Value {
    let error = generator.subschema_for::<ErrorBody>();
    let error =
        |what: &str| json!({ "description": what, "content": { "application/json": { "schema": error } } });
    let mut responses = match route.gives {
        Gives::Json(status, gives) => {
            let schema = gives(generator);
            json!({ status.as_str(): {
                "description": "It is so.", "content": { "application/json": { "schema": schema } },
            } })
        }
        Gives::Text(content_type) => {
            let media = content_type.split(';').next().unwrap_or_default();
            json!({ "200": {
                "description": "It is so.", "content": { media: { "schema": { "type": "string" } } },
            } })
        }
        Gives::Nothing => json!({ "204": { "description": "It is done." } }),
    };
    if route.takes.is_some() || route.is_paged {
        responses["400"] = error("What came is malformed.");
    }
    for status in route.refuses {
        responses[status.as_str()] = error(status.canonical_reason().unwrap_or_default());
    }
    responses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_described_and_every_reference_leads_somewhere() {
        let description = description();
        let paths = description["paths"].as_object().expect("paths");
        let operations: usize = paths.values().map(|path| path.as_object().map_or(0, Map::len)).sum();
        assert_eq!(operations, ROUTES.len());
        let text = description.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1) {
            let pointer = &reference[..reference.find('"').expect("an end")];
            assert!(description.pointer(pointer).is_some(), "{pointer}");
        }
    }
}
