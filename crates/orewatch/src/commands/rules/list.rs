//! `rules list`: stored rules with their alerts, cost and health, and which of them a filter wants.
use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1::{Rule, RuleHealth, RuleInfo};
use orewatch_rules::episode::DEFAULT_SEVERITY;
use orewatch_rules::rules::packs::packs;

use super::query;
use crate::commands::alerts::label;
use crate::commands::shared::{print_list, require_known};
use crate::names;
use crate::options::ClientOptions;
use crate::session::Client;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Subjects are the consumers, materials, stages and suppliers that a rule watches, each combination once.

Examples:
  orewatch rules list --pack g7-china --state firing
  orewatch rules list --material 'rare earths' --severity critical
  orewatch rules list --label team=desk --health failed,suspended --format csv")]
pub(super) struct Args {
    /// Only rules of this pack
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    pack: String,
    /// Only rules of this owner
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    owner: String,
    /// Only rules that watch one of these materials, or those of a list: listed(USA-2025)
    #[arg(long, value_name = "MATERIAL", value_delimiter = ',')]
    material: Vec<String>,
    /// Only rules that watch one of these consumers
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    consumer: Vec<String>,
    /// Only rules whose alerts can have one of these severities
    #[arg(long, value_name = "SEVERITY", value_delimiter = ',')]
    severity: Vec<String>,
    /// Only rules with this label; repeat the option to require several
    #[arg(long, value_name = "KEY=VALUE", value_parser = label)]
    label: Vec<(String, String)>,
    /// Only rules with an alert in one of these states
    #[arg(long, value_enum, value_delimiter = ',')]
    state: Vec<State>,
    /// Only rules in this health
    #[arg(long, value_enum, value_delimiter = ',')]
    health: Vec<Health>,
    #[command(flatten)]
    pub(super) client: ClientOptions,
}

/// State of a rule's alerts, as an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum State {
    /// An alert of the rule fires
    Firing,
    /// An alert of the rule is pending
    Pending,
    /// No alert of the rule fires or is pending
    Inactive,
}

/// Health of a rule's evaluation, as an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Health {
    /// Every figure that the rule watches was evaluated
    Ok,
    /// Nothing that the rule watches has been evaluated yet
    Unknown,
    /// Figures of open alerts are missing or stale
    Stale,
    /// As many alerts are open as the limit of the rule allows
    Limited,
    /// The evaluation fails
    Failed,
    /// The rule costs too much and is not evaluated
    Suspended,
}

impl From<Health> for RuleHealth {
    fn from(health: Health) -> Self {
        match health {
            Health::Ok => Self::Ok,
            Health::Unknown => Self::Unknown,
            Health::Stale => Self::Stale,
            Health::Limited => Self::Limited,
            Health::Failed => Self::Failed,
            Health::Suspended => Self::Suspended,
        }
    }
}

/// Which rules are wanted, with codes in the place of names.
struct Wanted<'a> {
    args: &'a Args,
    materials: Vec<String>,
    consumers: Vec<String>,
}

/// Lists the rules that the filter wants.
pub(super) async fn list(args: &Args, client: &Client) -> Result<(), Failure> {
    let wanted = Wanted {
        args,
        materials: names::materials(&args.material)?,
        consumers: names::consumers(&args.consumer)?,
    };
    let all = query(client).await?;
    if all.is_empty() {
        let none = "No rules yet. List the packs that ship with the program: orewatch rules packs";
        return print_list(&client.out, &all, none);
    }
    args.require_known_names(&all)?;
    let found: Vec<RuleInfo> = all.into_iter().filter(|info| wanted.has(info)).collect();
    print_list(&client.out, &found, "No rule matches.")
}

impl Args {
    /// Refuses names that no rule has. A pack that ships with the program is known before it is applied.
    fn require_known_names(&self, all: &[RuleInfo]) -> Result<(), Failure> {
        let rules = || all.iter().filter_map(|info| info.rule.as_ref());
        if !self.pack.is_empty() {
            let shipped = packs().iter().map(|pack| pack.name.to_owned());
            let known = rules().map(|rule| rule.pack.clone()).chain(shipped);
            require_known(("pack", "unknown-pack"), &self.pack, known)?;
        }
        if !self.owner.is_empty() {
            let known = rules().map(|rule| rule.owner.clone());
            require_known(("owner", "unknown-value"), &self.owner, known)?;
        }
        for severity in &self.severity {
            let known = rules().flat_map(severities).map(str::to_owned);
            require_known(("severity", "unknown-value"), severity, known)?;
        }
        for (key, value) in &self.label {
            let known = rules().flat_map(|rule| &rule.labels).map(|(key, value)| format!("{key}={value}"));
            require_known(("label", "unknown-value"), &format!("{key}={value}"), known)?;
        }
        Ok(())
    }
}

impl Wanted<'_> {
    /// Whether a rule meets every condition.
    fn has(&self, info: &RuleInfo) -> bool {
        let rule = info.rule.clone().unwrap_or_default();
        let select = rule.select.clone().unwrap_or_default();
        let severity = |severity: &String| severities(&rule).any(|own| own == severity);
        let label = |(key, value): &(String, String)| rule.labels.get(key) == Some(value);
        (self.args.pack.is_empty() || self.args.pack == rule.pack)
            && (self.args.owner.is_empty() || self.args.owner == rule.owner)
            && watches(&select.materials, &self.materials)
            && watches(&select.consumers, &self.consumers)
            && (self.args.severity.is_empty() || self.args.severity.iter().any(severity))
            && self.args.label.iter().all(label)
            && (self.args.state.is_empty() || self.args.state.iter().any(|state| state.is_of(info)))
            && (self.args.health.is_empty()
                || self.args.health.iter().any(|health| RuleHealth::from(*health) == info.health()))
    }
}

impl State {
    /// Whether a rule has an alert in the state.
    fn is_of(self, info: &RuleInfo) -> bool {
        match self {
            Self::Firing => info.firing > 0,
            Self::Pending => info.pending > 0,
            Self::Inactive => info.firing == 0 && info.pending == 0,
        }
    }
}

/// Whether a selection includes one of the wanted codes. A selection without codes is of all.
fn watches(selected: &[String], wanted: &[String]) -> bool {
    selected.is_empty() || wanted.is_empty() || wanted.iter().any(|code| selected.contains(code))
}

/// The severities that alerts of a rule can have.
fn severities(rule: &Rule) -> impl Iterator<Item = &str> {
    let usual = rule.severity.is_empty().then_some(DEFAULT_SEVERITY);
    rule.severity.iter().map(|band| band.severity.as_str()).chain(usual)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_without_codes_watches_all_of_them() {
        let codes = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert!(watches(&[], &codes("cobalt")) && watches(&codes("cobalt"), &[]));
        assert!(watches(&codes("cobalt lithium"), &codes("nickel lithium")));
        assert!(!watches(&codes("cobalt"), &codes("nickel")));
    }

    #[test]
    fn a_rule_without_bands_has_the_usual_severity() {
        assert_eq!(severities(&Rule::default()).collect::<Vec<_>>(), ["warning"]);
    }
}
