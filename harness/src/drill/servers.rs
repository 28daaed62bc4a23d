//! What a scenario expects of process servers.

use switchback_engine::health::{Level, ServerFigure};
use switchback_engine::message::Observation;
use switchback_scenarios::model::ProcessServerChoice;
use switchback_scenarios::model::words::{FigureWord, HealthWord};

use super::Drill;
use crate::content::Simulated;
use crate::world::Happening;

impl<C: Simulated> Drill<C> {
    /// The worst that people were told of a process server. Its health is the worst of all that is watched.
    pub(super) fn process_server_was(
        &self,
        server: ProcessServerChoice,
        figure: Option<FigureWord>,
        wanted: HealthWord,
    ) -> (String, bool, String) {
        let levels = self.world.happenings().iter().filter_map(|(_, happening)| match happening {
            Happening::Observed(Observation::Server { number, figure: told, level }) => {
                let is_it = usize::from(*number) == server.number();
                (is_it && figure.is_none_or(|figure| figure_of(figure) == *told)).then_some(*level)
            }
            _ => None,
        });
        let worst = match levels.max().unwrap_or_default() {
            Level::Normal => HealthWord::Normal,
            Level::Warning => HealthWord::Warning,
            Level::Critical => HealthWord::Critical,
        };
        let of = figure.map_or_else(|| "health".to_owned(), |figure| figure.to_string());
        let name = format!("{of} of the process server {}", self.scenario.process_server_name(server));
        (name, worst == wanted, format!("{worst} at the worst, wanted {wanted}"))
    }
}

const fn figure_of(word: FigureWord) -> ServerFigure {
    match word {
        FigureWord::Heartbeat => ServerFigure::Heartbeat,
        FigureWord::CacheSpace => ServerFigure::CacheSpace,
        FigureWord::DrainTime => ServerFigure::DrainTime,
        FigureWord::Processor => ServerFigure::Processor,
        FigureWord::Memory => ServerFigure::Memory,
    }
}
