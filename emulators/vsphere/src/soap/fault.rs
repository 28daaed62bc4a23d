//! Faults as clients see them: a type of the interface with its fields, and a message.

use super::types::types;
use super::value::{Data, Ref, Value, long};
use crate::faults::Fault;
use crate::moid::VmMoid;
use crate::vcenter::VCenter;

/// Why an operation was refused or failed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SoapFault {
    pub(crate) data: Data,
    pub(crate) message: String,
}

impl SoapFault {
    pub(crate) fn new(data: Data, message: impl Into<String>) -> Self {
        Self { data, message: message.into() }
    }

    /// Nobody is logged in.
    pub(crate) fn not_authenticated(object: &Ref) -> Self {
        let data =
            Data::new("NotAuthenticated").with("object", object.clone()).with("privilegeId", "System.View");
        Self::new(data, "The session is not authenticated.")
    }

    /// There is no such object.
    pub(crate) fn not_found(object: &Ref) -> Self {
        let message =
            format!("The object '{}:{}' has already been deleted or never was.", object.kind, object.id);
        Self::new(Data::new("ManagedObjectNotFound").with("obj", object.clone()), message)
    }

    /// The operation exists, and is not emulated.
    pub(crate) fn not_emulated(what: &str) -> Self {
        Self::new(Data::new("NotSupported"), format!("{what} is not emulated."))
    }

    /// There is no such operation.
    pub(crate) fn no_method(receiver: &Ref, method: &str) -> Self {
        let data = Data::new("MethodNotFound").with("receiver", receiver.clone()).with("method", method);
        Self::new(data, format!("{} has no method {method}.", receiver.kind))
    }

    /// The request is not what it should be.
    pub(crate) fn invalid_request(why: impl ToString) -> Self {
        Self::new(Data::new("InvalidRequest"), format!("The request is not understood: {}.", why.to_string()))
    }

    /// There is no such property.
    pub(crate) fn invalid_property(name: &str) -> Self {
        Self::new(Data::new("InvalidProperty").with("name", name), format!("There is no property {name}."))
    }

    /// An argument is not what it should be.
    pub(crate) fn invalid_argument(name: &str) -> Self {
        let data = Data::new("InvalidArgument").with("invalidProperty", name);
        Self::new(data, format!("The argument {name} is not correct."))
    }

    /// What is the matter with a file.
    pub(crate) fn file(kind: &'static str, file: &str) -> Self {
        let message = match kind {
            "FileNotFound" => format!("File {file} was not found."),
            "FileAlreadyExists" => format!("There is a file {file} already."),
            "FileLocked" => format!("File {file} is in use."),
            _ => format!("File {file} does not do: {kind}."),
        };
        Self::new(fitting(Data::new(kind).with("file", file)), message)
    }

    /// There are too many already.
    pub(crate) fn limit(what: &'static str, limit: usize) -> Self {
        Self::new(
            Data::new("LimitExceeded").with("property", what).with("limit", super::value::int(limit)),
            format!("There are {limit} of {what} already."),
        )
    }

    /// What vCenter says of a machine.
    pub(crate) fn of(fault: &Fault, machine: VmMoid, vcenter: &VCenter) -> Self {
        let object = || Ref::new("VirtualMachine", machine);
        let data = Data::new(fault.name());
        let data = match fault {
            Fault::ManagedObjectNotFound => data.with("obj", object()),
            Fault::DuplicateName(name) => data.with("name", name.as_str()).with("object", object()),
            Fault::InvalidPowerState { on } => {
                data.with("requestedState", power_word(!on)).with("existingState", power_word(*on))
            }
            Fault::NoDiskSpace { datastore, .. } => {
                data.with("file", datastore.as_str()).with("datastore", datastore.as_str())
            }
            Fault::InsufficientMemoryResources { free_mib, wanted_mib } => {
                data.with("unreserved", long(free_mib << 20)).with("requested", long(wanted_mib << 20))
            }
            Fault::FileLocked(file) | Fault::FileNotFound(file) => data.with("file", file.as_str()),
            Fault::ResourceInUse(name) => data.with("name", name.as_str()),
            Fault::DatastoreNotWritableOnHost(name) => {
                let host = vcenter.vm(machine).map(|vm| Ref::new("HostSystem", vm.host));
                data.with("name", name.as_str()).with_some("host", host)
            }
            Fault::SnapshotIncompatibleDeviceInVm(_) => {
                data.with("fault", localized(&Self::not_emulated("A snapshot of that device")))
            }
            Fault::NoPermission => data.with("object", object()).with("privilegeId", "System.Modify"),
            _ => data,
        };
        Self::new(fitting(data), fault.to_string())
    }

    /// A fault of which only the name and the message are known.
    pub(crate) fn named(name: &'static str, message: &str) -> Self {
        Self::new(fitting(Data::new(name)), message)
    }
}

/// The fault with its message, as it stands in a field.
pub(crate) fn localized(fault: &SoapFault) -> Data {
    Data::new("LocalizedMethodFault")
        .with("fault", fault.data.clone())
        .with("localizedMessage", fault.message.as_str())
}

const fn power_word(on: bool) -> Value {
    Value::Word("VirtualMachinePowerState", if on { "poweredOn" } else { "poweredOff" })
}

/// The fault, or the nearest more general one that asks for nothing that is not known.
fn fitting(mut data: Data) -> Data {
    while let Some((kind, structure)) = types().data(data.kind) {
        let lacks = |field: &super::types::Field| !field.optional && data.get(field.name).is_none();
        match structure.base {
            Some(base) if structure.fields.iter().any(lacks) => data = Data { kind: base, ..data },
            _ => {
                let known = |(name, _): &(&'static str, Value)| structure.field(name).is_some();
                return Data { kind, fields: data.fields.into_iter().filter(known).collect() };
            }
        }
    }
    Data::new("RuntimeFault")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_makes_a_fault_more_general() {
        assert_eq!(SoapFault::named("InvalidPowerState", "x").data, Data::new("InvalidState"));
        assert_eq!(SoapFault::named("FileLocked", "x").data, Data::new("VimFault"));
        assert_eq!(SoapFault::named("ToolsUnavailable", "x").data, Data::new("ToolsUnavailable"));
        assert_eq!(SoapFault::named("NoSuchFault", "x").data, Data::new("RuntimeFault"));
    }
}
