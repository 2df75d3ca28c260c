//! What CloudFormation refuses to deploy: the template's `Rules`, each against what it is there for.

use std::collections::{BTreeMap, BTreeSet};

use domain::Rates;
use local::{
    stack::TEMPLATE,
    template::{Inputs, broken_rules, written},
};

/// What production has to be given.
const SOUND: [(&str, &str); 4] = [
    ("BaseDomain", "lanterns.example"),
    ("PublicUrl", "https://api.lanterns.example"),
    ("MailFrom", "welcome@lanterns.example"),
    ("BootstrapEmail", "ada@lanterns.example"),
];
/// What may be deployed nowhere.
const NOWHERE: [(&str, &str); 4] = [
    ("RateLimits", "off"),
    ("WebhooksInside", "127.0.0.1"),
    ("RequireHttps", "false"),
    ("RequirePlatformMfa", "false"),
];
/// What may be, but not in production.
const NOT_IN_PRODUCTION: [(&str, &str); 5] = [
    ("BaseDomain", "example.com"),
    ("PublicUrl", "https://api.example.com"),
    ("MailFrom", "welcome@example.com"),
    ("BootstrapEmail", "admin@example.com"),
    ("PasswordConcurrency", "0"),
];

/// What is said of a stage with what it has to be given, but for one parameter.
fn said(stage: &str, but: Option<(&str, &str)>) -> Vec<String> {
    let parameters: BTreeMap<_, _> = SOUND.into_iter().chain([("Stage", stage)]).chain(but).collect();
    let parameters = parameters.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let inputs = Inputs { region: "us-east-1".into(), stack_name: "innkeeper".into(), parameters, api_endpoint: None };
    broken_rules(&std::fs::read_to_string(TEMPLATE).unwrap(), &inputs).unwrap()
}

#[test]
fn r21_each_weak_setting_alone_keeps_a_stage_from_being_deployed() {
    let mut heard = BTreeSet::new();
    let mut one = |stage: &str, (name, value): (&str, &str), refused: bool| {
        let said = said(stage, Some((name, value)));
        assert_eq!(said.len(), usize::from(refused), "{name}={value} in {stage}: {said:?}");
        assert!(said.iter().all(|words| words.contains(name)), "{name}={value}: {said:?}");
        heard.extend(said);
    };
    for stage in ["dev", "staging", "production"] {
        assert_eq!(said(stage, None), Vec::<String>::new(), "{stage}");
        NOWHERE.into_iter().for_each(|weak| one(stage, weak, true));
        NOT_IN_PRODUCTION.into_iter().for_each(|weak| one(stage, weak, stage == "production"));
    }
    one("local", ("Stage", "local"), true);
    let template = written(&std::fs::read_to_string(TEMPLATE).unwrap()).unwrap();
    let rules = template["Rules"].as_object().unwrap().values();
    let assertions = rules.flat_map(|rule| rule["Assertions"].as_array().unwrap());
    let all: BTreeSet<_> = assertions.map(|it| it["AssertDescription"].as_str().unwrap().to_owned()).collect();
    assert_eq!(heard, all, "each assertion has its bad value here");
}

/// The parameters of the rate limits, as `RATE_LIMITS` calls them.
const RATES: [(&str, &str); 6] = [
    ("SignupsPerMinute", "signup"),
    ("StatusesPerMinute", "status"),
    ("CallerCallsPer15Minutes", "caller"),
    ("ClientCallsPer15Minutes", "client"),
    ("AuthFailuresPer15Minutes", "auth"),
    ("ResetsPerHour", "reset"),
];

/// What a parameter may be: all of it where it is listed, and else some of what is within its bounds.
fn allowed(parameter: &serde_json::Value) -> Vec<u64> {
    let number = |name: &str| parameter[name].as_u64().unwrap();
    match parameter["AllowedValues"].as_array() {
        Some(all) => all.iter().map(|value| value.as_u64().unwrap()).collect(),
        None => {
            let (least, most) = (number("MinValue"), number("MaxValue"));
            [least, 7, 20, 30, 999, most].into_iter().filter(|it| (least..=most).contains(it)).collect()
        }
    }
}

#[test]
fn r15_no_number_that_can_be_deployed_stops_the_functions() {
    let template = written(&std::fs::read_to_string(TEMPLATE).unwrap()).unwrap();
    let shipped: BTreeMap<_, _> = RATES
        .into_iter()
        .map(|(name, rate)| (rate, template["Parameters"][name]["Default"].as_u64().unwrap()))
        .collect();
    for (name, rate) in RATES {
        for value in allowed(&template["Parameters"][name]) {
            let mut numbers = shipped.clone();
            numbers.insert(rate, value);
            let text: Vec<_> = numbers.iter().map(|(rate, value)| format!("{rate}={value}")).collect();
            assert!(text.join(" ").parse::<Rates>().is_ok(), "{name}={value}");
        }
    }
}
