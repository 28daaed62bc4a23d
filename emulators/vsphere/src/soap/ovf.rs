//! OvfManager: the descriptor of a machine that goes out, in the format of DMTF (DSP0243 1.1), with the marks of vSphere's own
//! that say which system it runs. Descriptors are written, and not read.

use std::fmt::Write as _;

use switchback_engine::content::SECTOR_BYTES;

use super::context::{Arguments, Context};
use super::fault::SoapFault;
use super::leases::key_of;
use super::object::NETWORK;
use super::operations::Outcome;
use super::properties::{HARDWARE_VERSION, processors, system_of};
use super::value::{Data, Ref, Value};
use super::vmx::unit_of;
use super::world::World;
use super::write::escape;
use crate::virtual_machine::{GuestOs, VirtualMachine};

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
    <Envelope xmlns=\"http://schemas.dmtf.org/ovf/envelope/1\" \
    xmlns:ovf=\"http://schemas.dmtf.org/ovf/envelope/1\" \
    xmlns:rasd=\"http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData\" \
    xmlns:vssd=\"http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData\" \
    xmlns:vmw=\"http://www.vmware.com/schema/ovf\">\n";
const STREAM: &str = "http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized";

/// Types of resources, as CIM numbers them.
const PROCESSOR: u32 = 3;
const MEMORY: u32 = 4;
const SCSI_CONTROLLER: u32 = 6;
const ETHERNET: u32 = 10;
const DISK: u32 = 17;

/// A file that a client has made of a disk.
struct File {
    href: String,
    bytes: i64,
    populated: Option<i64>,
    key: String,
}

/// A disk of the machine, and which of the files it is in.
struct Disk {
    place: usize,
    bytes: u64,
    file: Option<usize>,
}

/// Describes a machine whose disks a client has, or will have, as files.
pub(super) fn create_descriptor(
    context: &mut Context<'_>,
    arguments: &Arguments,
) -> Result<Outcome, SoapFault> {
    let wrong = |name: &str| SoapFault::invalid_argument(name);
    let entity = arguments.reference("obj").cloned().ok_or_else(|| wrong("obj"))?;
    let params = arguments.data("cdp").cloned().ok_or_else(|| wrong("cdp"))?;
    if params.get("snapshot").is_some() {
        return Err(SoapFault::not_emulated("The descriptor of a snapshot"));
    }
    let vm = machine(&context.world(), &entity)?;
    let files = params.get("ovfFiles").map_or(&[][..], Value::items).iter();
    let files = files.map(|file| file_of(file).ok_or_else(|| wrong("cdp.ovfFiles")));
    let files: Vec<File> = files.collect::<Result<_, _>>()?;
    let disks = disks(&vm, &files);
    if files.iter().any(|file| vm.places().all(|place| key_of(vm.moid, place) != file.key)) {
        return Err(wrong("cdp.ovfFiles"));
    }
    let text = |name: &str| params.get(name).and_then(Value::text).map(String::as_str);
    let name = text("name").filter(|name| !name.is_empty()).unwrap_or(&vm.name);
    let description = text("description").unwrap_or(&vm.settings.annotation);
    let descriptor = Descriptor { vm: &vm, name, description, files: &files, disks: &disks };
    let result = Data::new("OvfCreateDescriptorResult").with("ovfDescriptor", descriptor.written());
    Ok(Outcome::Is(result.with("includeImageFiles", false).into()))
}

fn machine(world: &World<'_>, entity: &Ref) -> Result<VirtualMachine, SoapFault> {
    match world.find(&entity.id) {
        Some(super::object::Object::Machine(vm)) => Ok(vm.clone()),
        Some(_) => Err(SoapFault::not_emulated("The descriptor of what is no single machine")),
        None => Err(SoapFault::not_found(entity)),
    }
}

fn file_of(file: &Value) -> Option<File> {
    let file = file.data()?;
    let text = |name: &str| file.get(name).and_then(Value::text).cloned();
    let long = |name: &str| match file.get(name) {
        Some(Value::Long(value)) => Some(*value),
        _ => None,
    };
    let (bytes, populated) = (long("size")?, long("populatedSize"));
    Some(File { href: text("path")?, bytes, populated, key: text("deviceId")? })
}

fn disks(vm: &VirtualMachine, files: &[File]) -> Vec<Disk> {
    let disk = |place: usize| {
        let key = key_of(vm.moid, place);
        let bytes = vm.sectors_at(place).unwrap_or_default() * SECTOR_BYTES;
        Disk { place, bytes, file: files.iter().position(|file| file.key == key) }
    };
    vm.places().map(disk).collect()
}

/// What is written.
struct Descriptor<'a> {
    vm: &'a VirtualMachine,
    name: &'a str,
    description: &'a str,
    files: &'a [File],
    disks: &'a [Disk],
}

/// Text as it stands in a document.
fn plain(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    escape(&mut written, text);
    written
}

impl Descriptor<'_> {
    fn written(&self) -> String {
        let mut xml = String::from(HEAD);
        self.references(&mut xml);
        self.disk_section(&mut xml);
        xml.push_str("  <NetworkSection>\n    <Info>The list of logical networks</Info>\n");
        // Writing to a text does not fail, here and below.
        let _ = writeln!(xml, "    <Network ovf:name=\"{NETWORK}\"/>\n  </NetworkSection>");
        self.system(&mut xml);
        xml.push_str("</Envelope>\n");
        xml
    }

    fn references(&self, xml: &mut String) {
        xml.push_str("  <References>\n");
        for (number, file) in self.files.iter().enumerate() {
            let (number, href, bytes) = (number + 1, plain(&file.href), file.bytes);
            let _ =
                writeln!(xml, "    <File ovf:href=\"{href}\" ovf:id=\"file{number}\" ovf:size=\"{bytes}\"/>");
        }
        xml.push_str("  </References>\n");
    }

    fn disk_section(&self, xml: &mut String) {
        xml.push_str("  <DiskSection>\n    <Info>Virtual disk information</Info>\n");
        for (number, disk) in self.disks.iter().enumerate() {
            let mut marks = String::new();
            if let Some(number) = disk.file {
                let _ = write!(marks, " ovf:fileRef=\"file{}\"", number + 1);
                let populated = self.files.get(number).and_then(|file| file.populated);
                let _ = populated.map(|bytes| write!(marks, " ovf:populatedSize=\"{bytes}\""));
            }
            let _ = writeln!(
                xml,
                "    <Disk ovf:capacity=\"{}\" ovf:capacityAllocationUnits=\"byte\" ovf:diskId=\"vmdisk{}\" \
                 ovf:format=\"{STREAM}\"{marks}/>",
                disk.bytes,
                number + 1
            );
        }
        xml.push_str("  </DiskSection>\n");
    }

    fn system(&self, xml: &mut String) {
        let (name, description) = (plain(self.name), plain(self.description));
        let (system, system_name) = system_of(self.vm);
        let _ = writeln!(
            xml,
            "  <VirtualSystem ovf:id=\"{name}\">\n    <Info>A virtual machine</Info>\n    <Name>{name}</Name>"
        );
        if !description.is_empty() {
            let _ = writeln!(
                xml,
                "    <AnnotationSection>\n      <Info>A human-readable annotation</Info>\n      \
                 <Annotation>{description}</Annotation>\n    </AnnotationSection>"
            );
        }
        let (cim, system, system_name) = (cim_system(self.vm), plain(system), plain(system_name));
        let _ = writeln!(
            xml,
            "    <OperatingSystemSection ovf:id=\"{cim}\" vmw:osType=\"{system}\">\n      \
             <Info>The kind of installed guest operating system</Info>\n      \
             <Description>{system_name}</Description>\n    </OperatingSystemSection>"
        );
        self.hardware(xml);
        xml.push_str("  </VirtualSystem>\n");
    }

    fn hardware(&self, xml: &mut String) {
        let _ = writeln!(
            xml,
            "    <VirtualHardwareSection>\n      <Info>Virtual hardware requirements</Info>\n      <System>\n        \
             <vssd:ElementName>Virtual Hardware Family</vssd:ElementName>\n        \
             <vssd:InstanceID>0</vssd:InstanceID>\n        \
             <vssd:VirtualSystemIdentifier>{}</vssd:VirtualSystemIdentifier>\n        \
             <vssd:VirtualSystemType>{HARDWARE_VERSION}</vssd:VirtualSystemType>\n      </System>",
            plain(self.name)
        );
        self.items().iter().enumerate().for_each(|(number, item)| item.write(number + 1, xml));
        xml.push_str("    </VirtualHardwareSection>\n");
    }

    /// The hardware; a disk names its controller by the place that it has here.
    fn items(&self) -> Vec<Item> {
        let (cpus, memory) = (processors(self.vm), self.vm.memory_mib);
        let mut items = vec![
            Item::new(PROCESSOR, format!("{cpus} virtual CPU(s)"))
                .with("AllocationUnits", "hertz * 10^6")
                .with("VirtualQuantity", cpus),
            Item::new(MEMORY, format!("{memory}MB of memory"))
                .with("AllocationUnits", "byte * 2^20")
                .with("VirtualQuantity", memory),
        ];
        let buses = self.disks.iter().map(|disk| unit_of(disk.place).0 + 1).max().unwrap_or(1);
        items.extend((0..buses).map(|bus| {
            Item::new(SCSI_CONTROLLER, format!("SCSI controller {bus}"))
                .with("Address", bus)
                .with("ResourceSubType", "VirtualSCSI")
        }));
        items.extend(self.disks.iter().enumerate().map(|(number, disk)| {
            let (bus, unit) = unit_of(disk.place);
            Item::new(DISK, format!("Hard disk {}", number + 1))
                .with("AddressOnParent", unit)
                .with("HostResource", format!("ovf:/disk/vmdisk{}", number + 1))
                .with("Parent", FIRST_CONTROLLER + bus)
        }));
        items.push(
            Item::new(ETHERNET, "Network adapter 1".to_owned())
                .with("AddressOnParent", 7)
                .with("AutomaticAllocation", true)
                .with("Connection", NETWORK)
                .with("ResourceSubType", "VmxNet3"),
        );
        items
    }
}

/// The number of the first controller among the items: processors and memory come before.
const FIRST_CONTROLLER: usize = 3;

/// The system as CIM numbers it: Linux with 64 bits, or another, where the mark of vSphere's own says which.
const fn cim_system(vm: &VirtualMachine) -> u32 {
    match vm.guest {
        GuestOs::Linux => 101,
        GuestOs::Windows => 1,
    }
}

/// A piece of hardware.
struct Item {
    fields: Vec<(&'static str, String)>,
}

impl Item {
    fn new(resource_type: u32, name: String) -> Self {
        let fields = vec![("ElementName", name), ("ResourceType", resource_type.to_string())];
        Self { fields }
    }

    fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.fields.push((name, value.to_string()));
        self
    }

    /// Its fields stand in the order of the alphabet, as the format wants it.
    fn write(&self, number: usize, xml: &mut String) {
        let mut fields = self.fields.clone();
        fields.push(("InstanceID", number.to_string()));
        fields.sort_unstable_by_key(|(name, _)| *name);
        xml.push_str("      <Item>\n");
        for (name, value) in fields {
            let _ = writeln!(xml, "        <rasd:{name}>{}</rasd:{name}>", plain(&value));
        }
        xml.push_str("      </Item>\n");
    }
}
