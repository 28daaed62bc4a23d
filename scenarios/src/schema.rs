//! The JSON schema of the language, for editors and other programs.
//!
//! It is put together by schemars from the same lists the reader is made of (see [`crate::decode`]). It says
//! what is written where and in which unit; what the numbers must be to each other is known to the reader alone.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::decode::{NonEmpty, OneOrMany, Scalar, Spanned};
use crate::raw::Scenario;
use crate::raw_exploration::Exploration;

/// The JSON schema (draft 2020-12) of version 1 of the scenario language: of a file that says one scenario.
pub fn schema() -> Value {
    of::<Scenario>("Switchback scenario, version 1")
}

/// The JSON schema of a file with `explore:`. A schema of its own, because an editor that is offered two says of
/// one mistake everything that would be wrong in either.
pub fn exploration_schema() -> Value {
    of::<Exploration>("Switchback exploration, version 1")
}

fn of<T: JsonSchema>(title: &str) -> Value {
    let mut value = schemars::generate::SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value();
    if let Some(object) = value.as_object_mut() {
        object.insert("title".to_owned(), json!(title));
    }
    // Lists of keys are looked through by people.
    value.sort_all_objects();
    value
}

/// A mapping under construction.
pub(crate) struct Object {
    description: String,
    properties: Map<String, Value>,
    required: Vec<&'static str>,
    rules: Vec<Value>,
}

impl Object {
    pub(crate) fn new(description: &str) -> Self {
        Self {
            description: flow(description),
            properties: Map::new(),
            required: Vec::new(),
            rules: Vec::new(),
        }
    }

    pub(crate) fn property(&mut self, key: &'static str, description: &str, required: bool, schema: Schema) {
        let mut schema = schema;
        let description = flow(description);
        if !description.is_empty() {
            schema.insert("description".to_owned(), json!(description));
        }
        self.properties.insert(key.to_owned(), schema.to_value());
        if required {
            self.required.push(key);
        }
    }

    pub(crate) fn exactly_one(&mut self, keys: &[&str]) {
        let each: Vec<Value> = keys.iter().map(|key| json!({ "required": [key] })).collect();
        self.rules.push(json!({ "oneOf": each }));
    }

    pub(crate) fn finish(self) -> Schema {
        let mut value = json!({
            "type": "object",
            "properties": self.properties,
            "additionalProperties": false,
        });
        if !self.description.is_empty() {
            value["description"] = json!(self.description);
        }
        if !self.required.is_empty() {
            value["required"] = json!(self.required);
        }
        if !self.rules.is_empty() {
            value["allOf"] = json!(self.rules);
        }
        from_value(value)
    }
}

/// The schema of a fixed set of words, each with its meaning.
pub(crate) fn words(_what: &str, description: &str, words: &[(&str, &str)]) -> Value {
    let each: Vec<Value> =
        words.iter().map(|(word, meaning)| json!({ "const": word, "description": flow(meaning) })).collect();
    json!({ "description": flow(description), "oneOf": each })
}

/// A value that is known to be an object, as a schema.
pub(crate) fn from_value(value: Value) -> Schema {
    // Only an object or a boolean is a schema; everything built in this crate is an object.
    Schema::try_from(value).unwrap_or_default()
}

/// Doc comments come in lines; an editor wants sentences.
fn flow(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl<T: Scalar> JsonSchema for Spanned<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::WANTED.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        from_value(T::schema())
    }
}

impl<T: JsonSchema> JsonSchema for NonEmpty<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("ListOf{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        from_value(json!({ "type": "array", "minItems": 1, "items": generator.subschema_for::<T>() }))
    }
}

impl<T: JsonSchema> JsonSchema for OneOrMany<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("OneOrMany{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let item = generator.subschema_for::<T>();
        from_value(json!({ "oneOf": [item, { "type": "array", "minItems": 1, "items": item }] }))
    }
}
