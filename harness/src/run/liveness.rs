//! Telling a target that has stopped answering from one that answers wrongly, so that a dead one doesn't cost a
//! time-out for every step of every scenario.

/// How many scenarios in a row have to begin with silence before the target is asked once more.
const SILENT_SCENARIOS: u32 = 2;

/// What is known about whether the target still answers on one transport.
#[derive(Clone, Debug, Default)]
pub struct Liveness {
    silent_in_a_row: u32,
    last_answered: Option<String>,
    dead: Option<String>,
}

impl Liveness {
    /// Why no further scenario is worth a try, if so.
    #[must_use]
    pub fn dead(&self) -> Option<&str> {
        self.dead.as_deref()
    }

    /// Takes note of a scenario's end. `answered` is whether the first thing sent in it got any answer, if anything was
    /// sent. True if the target has to be probed now, and the result given to [`Liveness::probed`].
    #[must_use]
    pub fn scenario_ended(&mut self, name: &str, answered: Option<bool>) -> bool {
        match answered {
            Some(true) => {
                self.silent_in_a_row = 0;
                self.last_answered = Some(name.to_owned());
                false
            }
            Some(false) => {
                self.silent_in_a_row += 1;
                self.silent_in_a_row >= SILENT_SCENARIOS
            }
            None => false,
        }
    }

    /// Takes note of what the probe found.
    pub fn probed(&mut self, result: Result<(), String>) {
        match result {
            Ok(()) => self.silent_in_a_row = 0,
            Err(reason) => {
                let since = match &self.last_answered {
                    Some(name) => format!("target stopped answering after {name}"),
                    None => "target never answered".to_owned(),
                };
                self.dead = Some(format!("{since}: {reason}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_silent_scenarios_and_a_failed_probe_end_it() {
        let mut liveness = Liveness::default();
        assert!(!liveness.scenario_ended("p2p::a", Some(true)));
        assert!(!liveness.scenario_ended("p2p::b", Some(false)));
        // Nothing was sent in it.
        assert!(!liveness.scenario_ended("p2p::skipped", None));
        assert!(liveness.scenario_ended("p2p::c", Some(false)));
        liveness.probed(Err("no answer within 1 s".into()));
        assert_eq!(
            liveness.dead(),
            Some("target stopped answering after p2p::a: no answer within 1 s")
        );
    }

    #[test]
    fn an_answer_in_between_or_to_the_probe_starts_the_count_again() {
        let mut liveness = Liveness::default();
        assert!(!liveness.scenario_ended("a", Some(false)));
        assert!(!liveness.scenario_ended("b", Some(true)));
        assert!(!liveness.scenario_ended("c", Some(false)));
        assert!(liveness.scenario_ended("d", Some(false)));
        liveness.probed(Ok(()));
        assert!(!liveness.scenario_ended("e", Some(false)));
        assert_eq!(liveness.dead(), None);
    }
}
