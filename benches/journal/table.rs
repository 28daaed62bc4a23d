//! What was measured, each with its target beside it.

/// A table on standard output.
#[derive(Default)]
pub(crate) struct Table {
    missed: usize,
}

impl Table {
    /// Its head.
    pub(crate) fn begin() -> Self {
        println!("{:<72} {:>14} {:>18}", "what", "measured", "target");
        Self::default()
    }

    /// A figure that is good when it is high.
    pub(crate) fn at_least(&mut self, what: &str, measured: f64, target: f64, unit: &str) {
        self.row(what, measured, &format!(">= {}{unit}", number(target)), unit, measured >= target);
    }

    /// A figure that is good when it is low.
    pub(crate) fn at_most(&mut self, what: &str, measured: f64, target: f64, unit: &str) {
        self.row(what, measured, &format!("<= {}{unit}", number(target)), unit, measured <= target);
    }

    /// A figure that explains others.
    pub(crate) fn note(&mut self, what: &str, measured: f64, unit: &str) {
        self.row(what, measured, "", unit, true);
    }

    fn row(&mut self, what: &str, measured: f64, target: &str, unit: &str, is_met: bool) {
        self.missed += usize::from(!is_met);
        let missed = if is_met { "" } else { "  missed" };
        println!("{what:<72} {:>14} {target:>18}{missed}", format!("{}{unit}", number(measured)));
    }

    /// How many targets were missed.
    pub(crate) const fn missed(&self) -> usize {
        self.missed
    }
}

/// With as many digits as mean something.
fn number(value: f64) -> String {
    match value {
        v if v >= 1000.0 => format!("{v:.0}"),
        v if v >= 10.0 => format!("{v:.1}"),
        v => format!("{v:.3}"),
    }
}

/// The one in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
