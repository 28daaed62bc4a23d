//! What others have to say about steps of a scenario that is in order: shown like mistakes in it, at their lines.

use crate::diagnostic::{Diagnostic, Report};
use crate::model::{Scenario, StepIndex};
use crate::source::{LineIndex, Span};

/// Something about a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// Which step.
    pub step: StepIndex,
    /// One sentence in the present tense.
    pub message: String,
    /// The words beside the mark.
    pub label: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Scenario {
    /// A report of remarks; none where there are none. `code` is the stable name of the kind.
    ///
    /// # Panics
    /// When a step is of another scenario.
    #[must_use]
    pub fn remarks(&self, code: &'static str, remarks: &[Remark]) -> Option<Report> {
        let lines = LineIndex::new(&self.text);
        let diagnostic = |remark: &Remark| {
            let step = &self.timeline[remark.step.0];
            let start = lines.offset(&self.text, step.source);
            let span = Span { start, len: step.action.word().len() };
            let diagnostic = Diagnostic::new(code, remark.message.clone()).label(span, remark.label.clone());
            match &remark.help {
                Some(help) => diagnostic.help(help.clone()),
                None => diagnostic,
            }
        };
        let diagnostics: Vec<Diagnostic> = remarks.iter().map(diagnostic).collect();
        (!diagnostics.is_empty()).then(|| Report::new(self.file.clone(), &self.text, diagnostics))
    }
}
