//! `when:` as it is written: the moment of a run that a step waits for.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::json;

use crate::decode::{Decode, Decoder, Spanned};
use crate::diagnostic::Diagnostic;
use crate::model::words::{PassingState, TaskWord};
use crate::node::Node;
use crate::scalars::{Count, Name};
use crate::schema::Object;

/// A moment and whose it is: a group's for `cuts-point`, else a machine's.
#[derive(Debug)]
pub(crate) struct Moment {
    pub(crate) whose: Spanned<Name>,
    pub(crate) kind: MomentKind,
}

/// What is waited for.
#[derive(Debug)]
pub(crate) enum MomentKind {
    Is(Spanned<PassingState>),
    Task(Spanned<TaskWord>),
    CutsPoint(Spanned<Count>),
}

const KEYS: &[&str] = &["vm", "group", "is", "task", "cuts-point"];
const KINDS: &[&str] = &["is", "task", "cuts-point"];

const VM: &str = "Which machine.";
const GROUP: &str = "Which group.";
const IS: &str = "The state the machine is in.";
const TASK: &str = "The task of one of its jobs that is in progress.";
const CUTS_POINT: &str = "The number of the recovery point that is being cut, counted from t0, 1 to 100000.";

impl Decode for Moment {
    const WANTED: &'static str =
        "a moment: { vm, is: STATE }, { vm, task: TASK } or { group, cuts-point: NUMBER }";

    fn decode(node: &Node, d: &mut Decoder) -> Option<Self> {
        let fields = d.fields(node, "a moment", KEYS)?;
        let (key, span, value) = fields.exactly_one(d, KINDS)?;
        let (wanted, other) = if key == "cuts-point" { ("group", "vm") } else { ("vm", "group") };
        if let Some((wrong, _)) = fields.get(other) {
            d.report(
                Diagnostic::new(
                    "scenario::conflicting_keys",
                    format!("`{key}` goes with `{wanted}`, and this moment has `{other}`"),
                )
                .label(wrong, format!("`{wanted}` is wanted here"))
                .label(span, format!("a {} has this", noun(wanted)))
                .help(format!("write `{wanted}:` with the name of a {}", noun(wanted))),
            );
            return None;
        }
        let whose = fields.required(d, wanted);
        let kind = Self::kind(key, value, d);
        Some(Self { whose: whose?, kind: kind? })
    }
}

impl Moment {
    fn kind(key: &str, value: &Node, d: &mut Decoder) -> Option<MomentKind> {
        Some(match key {
            "is" => MomentKind::Is(Spanned::decode(value, d)?),
            "task" => MomentKind::Task(Spanned::decode(value, d)?),
            _ => MomentKind::CutsPoint(Spanned::decode(value, d)?),
        })
    }
}

fn noun(key: &str) -> &'static str {
    if key == "vm" { "machine" } else { "group" }
}

impl JsonSchema for Moment {
    fn schema_name() -> Cow<'static, str> {
        "Moment".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut object = Object::new("The first such moment after t0. One that never comes fires nothing.");
        let name = generator.subschema_for::<Spanned<Name>>();
        object.property("vm", VM, false, name.clone());
        object.property("group", GROUP, false, name);
        object.property("is", IS, false, generator.subschema_for::<Spanned<PassingState>>());
        object.property("task", TASK, false, generator.subschema_for::<Spanned<TaskWord>>());
        object.property("cuts-point", CUTS_POINT, false, generator.subschema_for::<Spanned<Count>>());
        object.exactly_one(KINDS);
        object.exactly_one(&["vm", "group"]);
        let mut schema = object.finish();
        let goes_with = json!({ "is": ["vm"], "task": ["vm"], "cuts-point": ["group"] });
        schema.insert("dependentRequired".to_owned(), goes_with);
        schema
    }
}
