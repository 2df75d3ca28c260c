//! What a customer sends to become a tenant.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::named::named;
use crate::{CompanyName, EmailAddress, FieldError, Label, PersonName, Plan, Region, Regions, Rule, Subdomain};

/// A request for a tenant in which every field keeps its rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signup {
    /// What the company is called.
    pub company_name: CompanyName,
    /// The name that the tenant asks for.
    pub subdomain: Subdomain,
    /// The first admin.
    pub admin_name: PersonName,
    /// Where the first admin gets the activation link.
    pub admin_email: EmailAddress,
    /// What the tenant pays for.
    pub plan: Plan,
    /// Where the tenant lives.
    pub region: Region,
    /// Whether the terms were accepted, where the form asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept_terms: Option<bool>,
    /// Where the customer heard of us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Label>,
    /// Which campaign brought the customer.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub utm: BTreeMap<UtmParameter, Label>,
}

named! {
    /// The five campaign parameters that web analytics agree on.
    pub enum UtmParameter {
        /// Who sent the visitor.
        Source = "utm_source",
        /// By what means.
        Medium = "utm_medium",
        /// For which campaign.
        Campaign = "utm_campaign",
        /// With which search term.
        Term = "utm_term",
        /// By which of several links.
        Content = "utm_content",
    }
}

/// The same request as it was typed: nothing is checked yet, anything may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of `Signup`")]
pub struct SignupDraft {
    pub company_name: Option<String>,
    pub subdomain: Option<String>,
    pub admin_name: Option<String>,
    pub admin_email: Option<String>,
    pub plan: Option<String>,
    pub region: Option<String>,
    pub accept_terms: Option<bool>,
    pub source: Option<String>,
    pub utm: BTreeMap<UtmParameter, String>,
}

impl SignupDraft {
    /// Checks every field. Fails with all the fields that break a rule, not only the first.
    pub fn parse(self, regions: &Regions) -> Result<Signup, Vec<FieldError>> {
        let mut errors = Errors::default();
        let company_name = errors.required("/company_name", self.company_name, CompanyName::parse);
        let subdomain = errors.required("/subdomain", self.subdomain, Subdomain::parse);
        let admin_name = errors.required("/admin_name", self.admin_name, PersonName::parse);
        let admin_email = errors.required("/admin_email", self.admin_email, EmailAddress::parse);
        let plan = errors.optional("/plan", self.plan, Plan::parse).unwrap_or_default();
        let region = errors.optional("/region", self.region, |name| regions.choose(name));
        let source = errors.optional("/source", self.source, Label::parse);
        let utm = errors.utm(self.utm);
        match (company_name, subdomain, admin_name, admin_email) {
            (Some(company_name), Some(subdomain), Some(admin_name), Some(admin_email)) if errors.0.is_empty() => {
                let region = region.unwrap_or_else(|| regions.default_region().clone());
                let accept_terms = self.accept_terms;
                Ok(Signup { company_name, subdomain, admin_name, admin_email, plan, region, accept_terms, source, utm })
            }
            _ => Err(errors.0),
        }
    }
}

/// The broken fields found so far.
#[derive(Default)]
struct Errors(Vec<FieldError>);

impl Errors {
    fn required<T>(
        &mut self,
        pointer: &str,
        value: Option<String>,
        parse: impl Fn(&str) -> Result<T, Rule>,
    ) -> Option<T> {
        if value.is_none() {
            self.0.push(FieldError::required(pointer));
        }
        self.optional(pointer, value, parse)
    }

    fn optional<T>(
        &mut self,
        pointer: &str,
        value: Option<String>,
        parse: impl Fn(&str) -> Result<T, Rule>,
    ) -> Option<T> {
        match parse(&value?) {
            Ok(parsed) => Some(parsed),
            Err(rule) => {
                self.0.push(rule.at(pointer));
                None
            }
        }
    }

    fn utm(&mut self, typed: BTreeMap<UtmParameter, String>) -> BTreeMap<UtmParameter, Label> {
        let label = |(name, value): (UtmParameter, String)| {
            let pointer = format!("/{}", name.as_str());
            Some((name, self.optional(&pointer, Some(value), Label::parse)?))
        };
        typed.into_iter().filter_map(label).collect()
    }
}
