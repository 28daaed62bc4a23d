//! Where in a file its mutants are, and what is written there so that each can be switched on.
//!
//! Owns the knowledge of syntax: it finds the function, operator, arm or field that a mutant changes and puts the changed form beside the
//! original one, with a question between them. What cannot be asked where it stands is left out.

use core::ops::Range;
use std::collections::BTreeMap;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::list::{Mutant, Place};
use crate::text::{Piece, Site};

/// The sites of those mutants that can be switched.
pub fn find(file: &syn::File, mutants: &[&Mutant]) -> Vec<Site> {
    let mut finder = Finder { wanted: BTreeMap::new(), sites: Vec::new() };
    for mutant in mutants {
        let key = (mutant.span.start, mutant.genre.clone());
        finder.wanted.entry(key).or_default().push((mutant.number, mutant.replacement.clone()));
    }
    finder.visit_file(file);
    finder.sites
}

/// The number of a mutant and what it puts in place.
type Change = (u32, String);

struct Finder {
    wanted: BTreeMap<(Place, String), Vec<Change>>,
    sites: Vec<Site>,
}

impl Finder {
    fn wanted(&self, at: &impl Spanned, genre: &str) -> Vec<Change> {
        let start = at.span().start();
        let place = Place { line: start.line, column: start.column + 1 };
        self.wanted.get(&(place, genre.to_owned())).cloned().unwrap_or_default()
    }

    fn push(&mut self, place: Range<usize>, changes: &[Change], pieces: Vec<Piece>) {
        let mutants = changes.iter().map(|(number, _)| *number).collect();
        self.sites.push(Site { place, pieces, mutants });
    }

    /// A function that returns at once, and is not `const` any more: the question cannot be asked in one that is.
    fn function(&mut self, signature: &syn::Signature, body: &syn::Block) {
        let before = self.sites.len();
        visit::visit_block(self, body);
        let returns_hidden = match &signature.output {
            syn::ReturnType::Type(_, output) => names_impl(output),
            syn::ReturnType::Default => false,
        };
        let changes = body.stmts.first().map_or_else(Vec::new, |first| self.wanted(first, "FnValue"));
        if !changes.is_empty() && !returns_hidden {
            let start = body.brace_token.span.open().byte_range().end;
            let leave = |(number, value): &Change| {
                Piece::Only(*number, vec![text(format!(" if {} {{ return {value}; }}", asked(*number)))])
            };
            self.push(start..start, &changes, changes.iter().map(leave).collect());
        }
        if let Some(token) = signature.constness.filter(|_| self.sites.len() > before) {
            self.push(token.span.byte_range(), &[], Vec::new());
        }
    }
}

impl<'ast> Visit<'ast> for Finder {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.sig, &item.block);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.sig, &item.block);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(body) = &item.default {
            self.function(&item.sig, body);
        }
    }

    // What is computed when the program is compiled knows nothing of the environment.
    fn visit_item_const(&mut self, _: &'ast syn::ItemConst) {}

    fn visit_impl_item_const(&mut self, _: &'ast syn::ImplItemConst) {}

    fn visit_expr_binary(&mut self, binary: &'ast syn::ExprBinary) {
        visit::visit_expr_binary(self, binary);
        let changes = self.wanted(&binary.op, "BinaryOperator");
        // A chain with `let` in it is no expression that could stand elsewhere.
        if changes.is_empty() || binds(&binary.left) || binds(&binary.right) {
            return;
        }
        let with = |operator: &str| {
            let (left, right) = (source(&*binary.left), source(&*binary.right));
            vec![text("("), left, text(format!(") {operator} (")), right, text(")")]
        };
        let original = with(&source_of_operator(binary.op));
        self.push(range(binary), &changes, choice(&changes, |(_, operator)| with(operator), original));
    }

    fn visit_expr_unary(&mut self, unary: &'ast syn::ExprUnary) {
        visit::visit_expr_unary(self, unary);
        let changes = self.wanted(unary, "UnaryOperator");
        if changes.is_empty() {
            return;
        }
        let operand = || source(&*unary.expr);
        let original = vec![Piece::Source(range(&unary.op)), operand()];
        let changed = |(_, operator): &Change| vec![text(operator.clone()), operand()];
        self.push(range(unary), &changes, choice(&changes, changed, original));
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        visit::visit_arm(self, arm);
        let deletions = self.wanted(&arm.pat, "MatchArm");
        let not_deleted = deletions.iter().map(|(number, _)| format!("!{}", asked(*number)));
        let not_deleted: Vec<String> = not_deleted.collect();
        let Some((token, guard)) = &arm.guard else {
            if !deletions.is_empty() {
                let end = range(&arm.pat).end;
                self.push(end..end, &deletions, vec![text(format!(" if {}", not_deleted.join(" && ")))]);
            }
            return;
        };
        let replaced = self.wanted(&**guard, "MatchArmGuard");
        if binds(guard) || deletions.len() + replaced.len() == 0 {
            return;
        }
        let mut pieces = vec![text(" "), text(not_deleted.join(" && "))];
        pieces.extend((!deletions.is_empty()).then(|| text(" && ")));
        pieces.extend(choice(&replaced, |(_, value)| vec![text(value.clone())], vec![source(&**guard)]));
        // From the end of `if`: the guard itself may be a site.
        self.push(range(token).end..range(&**guard).end, &[deletions, replaced].concat(), pieces);
    }

    fn visit_expr_struct(&mut self, literal: &'ast syn::ExprStruct) {
        visit::visit_expr_struct(self, literal);
        let Some(rest) = literal.dot2_token else { return };
        let whole = range(literal);
        let starts: Vec<usize> = literal.fields.iter().map(|field| range(field).start).collect();
        let ends = starts.iter().skip(1).copied().chain([range(&rest).start]);
        let mut without = BTreeMap::new();
        let mut changes = Vec::new();
        for ((field, start), end) in literal.fields.iter().zip(&starts).zip(ends) {
            for change in self.wanted(field, "StructField") {
                let around = vec![Piece::Source(whole.start..*start), Piece::Source(end..whole.end)];
                without.insert(change.0, around);
                changes.push(change);
            }
        }
        if !changes.is_empty() {
            let last = range(&literal.path).end;
            let original = vec![Piece::Source(whole.start..last), Piece::Source(last..whole.end)];
            let pieces = choice(&changes, |(number, _)| without[number].clone(), original);
            self.push(whole, &changes, pieces);
        }
    }
}

/// One of the changed forms when it is asked for, else the original.
fn choice(changes: &[Change], changed: impl Fn(&Change) -> Vec<Piece>, original: Vec<Piece>) -> Vec<Piece> {
    let mut pieces = vec![text("(")];
    for change in changes {
        pieces.push(text(format!("if {} ", asked(change.0))));
        let block = [vec![text("{ ")], changed(change), vec![text(" }")]].concat();
        pieces.extend([Piece::Only(change.0, block), text(" else ")]);
    }
    pieces.push(text("{ "));
    pieces.extend(original);
    pieces.push(text(" })"));
    pieces
}

/// The question whether a mutant is switched on.
fn asked(number: u32) -> String {
    format!("crate::mutant({number})")
}

fn text(text: impl Into<String>) -> Piece {
    Piece::Text(text.into())
}

fn source(node: &impl Spanned) -> Piece {
    Piece::Source(range(node))
}

fn range(node: &impl Spanned) -> Range<usize> {
    node.span().byte_range()
}

fn source_of_operator(operator: syn::BinOp) -> String {
    operator.span().source_text().unwrap_or_default()
}

/// Whether an expression is `let`, or a chain with one.
fn binds(expression: &syn::Expr) -> bool {
    match expression {
        syn::Expr::Let(_) => true,
        syn::Expr::Binary(binary) => binds(&binary.left) || binds(&binary.right),
        _ => false,
    }
}

/// Whether a type has `impl` in it: a function that returns one returns one type only.
fn names_impl(output: &syn::Type) -> bool {
    struct Names(bool);
    impl<'ast> Visit<'ast> for Names {
        fn visit_type_impl_trait(&mut self, _: &'ast syn::TypeImplTrait) {
            self.0 = true;
        }
    }
    let mut names = Names(false);
    names.visit_type(output);
    names.0
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::list::{Extent, Mutant, Place};
    use crate::text::rewrite;

    fn mutant(number: u32, genre: &str, (line, column): (usize, usize), replacement: &str) -> Mutant {
        let [name, file] = [const { String::new() }; 2];
        let (genre, replacement) = (genre.to_owned(), replacement.to_owned());
        Mutant { number, name, file, genre, replacement, span: Extent { start: Place { line, column } } }
    }

    fn rewritten(source: &str, mutants: &[Mutant]) -> String {
        let parsed = syn::parse_file(source).expect("the source is whole");
        rewrite(source, find(&parsed, &mutants.iter().collect::<Vec<_>>())).text
    }

    #[test]
    fn a_function_that_is_compiled_in_is_asked_when_it_runs() {
        let changed = rewritten("const fn f() -> u8 { 7 }", &[mutant(1, "FnValue", (1, 22), "0")]);
        assert_eq!(changed, " fn f() -> u8 { if crate::mutant(1) { return 0; } 7 }");
    }

    #[test]
    fn an_arm_that_is_deleted_is_passed_over_and_its_guard_is_still_asked() {
        let source = "fn f(n: u8) { match n { 1 if g() => {} 2 => {} _ => {} } }";
        let (guarded, plain) = (mutant(1, "MatchArm", (1, 25), ""), mutant(2, "MatchArm", (1, 40), ""));
        let changed = rewritten(source, &[guarded, mutant(3, "MatchArmGuard", (1, 30), "true"), plain]);
        assert!(changed.contains("1 if !crate::mutant(1) && (if crate::mutant(3) { true } else { g() })"));
        assert!(changed.contains("2 if !crate::mutant(2) => {}"));
    }

    #[test]
    fn a_chain_that_binds_a_name_stays_as_it_is_and_what_is_in_it_does_not() {
        let source = "fn f() { if let Some(x) = g() && !x {} }";
        let changed = rewritten(
            source,
            &[mutant(1, "BinaryOperator", (1, 31), "||"), mutant(2, "UnaryOperator", (1, 34), "")],
        );
        assert!(changed.contains("g() && (if crate::mutant(2) { x } else { !x })"), "{changed}");
        assert!(!changed.contains("mutant(1)"));
    }
}
