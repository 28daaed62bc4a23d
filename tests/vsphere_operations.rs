//! The page of vSphere's operations is made from the code.
//!
//! `UPDATE_FILES=1 cargo test --test vsphere_operations` writes it anew.

use std::fmt::Write as _;

mod common;

use common::is_current;
use switchback_vsphere::soap::{OPERATIONS, Operation};

const PAGE: &str = "docs/reference/vsphere-operations.md";

fn page() -> String {
    let mut page = format!(
        "# Operations of vSphere\n\nThe methods of vSphere's interface (vim25) that `switchback serve` answers at `/sdk`, as SOAP and as VI JSON: {}. The others answer the fault `NotSupported` with their name. \
         Files of datastores are at `/folder`, disks of leases at `/nfc`. Made from `emulators/vsphere/src/soap/operations.rs`: \
         `UPDATE_FILES=1 cargo test --test vsphere_operations`.\n\n| object | method | differences |\n|---|---|---|\n",
        OPERATIONS.len()
    );
    for Operation { owner, method, note, .. } in OPERATIONS {
        let _ = writeln!(page, "| {owner} | `{method}` | {note} |");
    }
    page
}

#[test]
fn the_page_of_operations_is_what_the_code_says() {
    is_current(PAGE, &page(), "vsphere_operations");
}
