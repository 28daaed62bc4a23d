//! An answer that goes on, as one value: in VI JSON it is written when all of it is there, as it is at this moment.

use crate::soap::context::Context;
use crate::soap::course::{Course, Part};
use crate::soap::rest::BrokenOff;
use crate::soap::types::{Field, types};
use crate::soap::value::{Data, Value};

/// All of it; none where nothing is in it. `result` is what is answered.
pub(super) fn gather(
    mut course: Course,
    context: &mut Context<'_>,
    result: Field,
) -> Result<Option<Value>, BrokenOff> {
    let mut gathered = Gathered { result, begun: Vec::new(), whole: None };
    while let Some(part) = course.next(context)? {
        match part {
            Part::Begin(name) => {
                let kind = gathered.place(name).map_or("", |field| field.kind.name);
                gathered.begun.push((name, Data::new(kind)));
            }
            Part::Is(name, value) => gathered.put(name, value),
            Part::End => {
                if let Some((name, data)) = gathered.begun.pop() {
                    gathered.put(name, data.into());
                }
            }
        }
    }
    Ok(gathered.whole)
}

struct Gathered {
    result: Field,
    /// Data objects that are not over, with the names of the fields that they are for.
    begun: Vec<(&'static str, Data)>,
    whole: Option<Value>,
}

impl Gathered {
    /// The field of that name in the data object that was begun last.
    fn place(&self, name: &str) -> Option<Field> {
        match self.begun.last() {
            None => Some(self.result),
            Some((_, data)) => {
                types().data(data.kind).and_then(|(_, structure)| structure.field(name)).copied()
            }
        }
    }

    fn put(&mut self, name: &'static str, value: Value) {
        let Some(field) = self.place(name) else { return };
        let slot = match self.begun.last_mut() {
            None => &mut self.whole,
            Some((_, data)) if !field.kind.many => return data.fields.push((name, value)),
            Some((_, data)) => {
                let at = data.fields.iter().position(|(other, _)| *other == name);
                return match at.map(|at| &mut data.fields[at].1) {
                    Some(Value::List(_, items)) => items.push(value),
                    _ => data.fields.push((name, Value::List(field.kind.name, vec![value]))),
                };
            }
        };
        match slot {
            Some(Value::List(_, items)) => items.push(value),
            _ if field.kind.many => *slot = Some(Value::List(field.kind.name, vec![value])),
            _ => *slot = Some(value),
        }
    }
}
