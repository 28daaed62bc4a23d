//! The page of operations is made from the code.
//!
//! `UPDATE_FILES=1 cargo test --test operations` writes it anew.

use std::fmt::Write as _;

mod common;

use common::is_current;
use switchback_azure::arm::operations::{Operation, all};

const PAGE: &str = "docs/reference/operations.md";

fn page() -> String {
    let operations: Vec<Operation> = all().collect();
    let answered = operations.iter().filter(|operation| operation.is_answered).count();
    let mut page = format!(
        "# Operations\n\nThe operations of Site Recovery (api-version 2025-08-01), and which of them `switchback serve` answers: {answered} of {}. \
         The others answer 501 with the code `OperationNotEmulated` and their name. Made from `emulators/azure/src/arm/operations.rs`: \
         `UPDATE_FILES=1 cargo test --test operations`.\n\n| operation | | path below the vault | takes time | answered |\n|---|---|---|---|---|\n",
        operations.len()
    );
    let yes = |is_so: bool| if is_so { "yes" } else { "no" };
    for Operation { method, path, name, is_long, is_answered } in operations {
        let _ =
            writeln!(page, "| `{name}` | {method} | `{path}` | {} | {} |", yes(is_long), yes(is_answered));
    }
    page
}

#[test]
fn the_page_of_operations_is_what_the_code_says() {
    is_current(PAGE, &page(), "operations");
}
