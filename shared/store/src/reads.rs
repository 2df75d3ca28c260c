//! Reads by key: each said once, for [`crate::direct`] to ask, and for the SDK where that is of no avail.

use std::collections::HashMap;

use aws_sdk_dynamodb::{operation::query::builders::QueryFluentBuilder, types::KeysAndAttributes};
use serde::{
    Deserialize, Serialize, Serializer,
    de::{DeserializeOwned, IgnoredAny},
};

use crate::{
    Store, StoreError,
    direct::Typed,
    item::{Found, Item, read},
    keys::{Key, partition},
};

/// How often what DynamoDB left unread is asked for again.
const TRIES: usize = 3;

/// How consistently, and what of the items.
#[derive(Debug, Clone, Copy)]
pub(crate) struct How {
    consistent: bool,
    /// The projection, and the names in it that begin with `#`, without that; none for all.
    only: Option<(&'static str, &'static [&'static str])>,
}

impl How {
    pub(crate) const STRONG: Self = Self { consistent: true, only: None };
    pub(crate) const EVENTUAL: Self = Self { consistent: false, only: None };

    pub(crate) const fn only(self, projection: &'static str, names: &'static [&'static str]) -> Self {
        Self { only: Some((projection, names)), ..self }
    }

    fn projection(self) -> Option<String> {
        self.only.map(|(projection, _)| projection.to_owned())
    }

    fn names(self) -> Option<HashMap<String, String>> {
        self.only.map(|(_, names)| named(names).map(|(alias, name)| (alias, name.to_owned())).collect())
    }
}

fn named(names: &'static [&'static str]) -> impl Iterator<Item = (String, &'static str)> {
    names.iter().map(|name| (format!("#{name}"), *name))
}

struct Names(&'static [&'static str]);

impl Serialize for Names {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(named(self.0))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Projected {
    consistent_read: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    projection_expression: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expression_attribute_names: Option<Names>,
}

impl From<How> for Projected {
    fn from(how: How) -> Self {
        Self {
            consistent_read: how.consistent,
            projection_expression: how.only.map(|(projection, _)| projection),
            expression_attribute_names: how.only.map(|(_, names)| Names(names)),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct GetItem<'a> {
    table_name: &'a str,
    key: &'a Key,
    #[serde(flatten)]
    projected: Projected,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Got<A> {
    item: Option<A>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct BatchGetItem<'a> {
    request_items: HashMap<&'a str, Wanted<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Wanted<'a> {
    keys: &'a [Key],
    #[serde(flatten)]
    projected: Projected,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answered {
    #[serde(default)]
    responses: HashMap<String, Vec<Found>>,
    #[serde(default)]
    unprocessed_keys: HashMap<String, IgnoredAny>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Query<'a> {
    table_name: &'a str,
    consistent_read: bool,
    key_condition_expression: &'static str,
    expression_attribute_values: serde_dynamo::Item,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    #[serde(default)]
    items: Vec<Found>,
    last_evaluated_key: Option<IgnoredAny>,
}

impl Store {
    /// What is stored under the key.
    pub(crate) async fn item(&self, key: &Key, how: How) -> Result<Option<Found>, StoreError> {
        match self.directly(key, how).await {
            Some(Got { item }) => Ok(item),
            None => Box::pin(self.item_by_sdk(key, how)).await,
        }
    }

    /// The same, as a `T`; for the reads that everybody waits for.
    pub(crate) async fn view<T>(&self, what: &'static str, key: &Key, how: How) -> Result<Option<T>, StoreError>
    where
        T: DeserializeOwned,
    {
        match self.directly(key, how).await {
            Some(Got { item }) => Ok(item.map(|Typed(view)| view)),
            None => Box::pin(self.item_by_sdk(key, how)).await?.map(|found| read(what, found)).transpose(),
        }
    }

    async fn directly<A: DeserializeOwned>(&self, key: &Key, how: How) -> Option<A> {
        let input = GetItem { table_name: &self.tables.core, key, projected: how.into() };
        self.direct.as_ref()?.read("GetItem", &input).await
    }

    async fn item_by_sdk(&self, key: &Key, how: How) -> Result<Option<Found>, StoreError> {
        let get = self.client.get_item().table_name(&self.tables.core).set_key(Some(key.attributes()));
        let get = get.consistent_read(how.consistent).set_expression_attribute_names(how.names());
        let get = get.set_projection_expression(how.projection());
        Ok(get.send().await?.item.map(Into::into))
    }

    /// What is stored under the keys, by sort key. The items are read one by one: together they are no snapshot.
    pub(crate) async fn batch(&self, keys: &[Key], how: How) -> Result<HashMap<String, Found>, StoreError> {
        Ok(self.batched(keys, how).await?.into_iter().filter_map(by_sort_key).collect())
    }

    /// The same, for keys that share sort keys: up to a hundred.
    pub(crate) async fn batch_by_key(&self, keys: &[Key], how: How) -> Result<HashMap<Key, Found>, StoreError> {
        let found = self.batched(keys, how).await?.into_iter();
        Ok(found.filter_map(|item| Some((Key::of_found(&item)?, item))).collect())
    }

    async fn batched(&self, keys: &[Key], how: How) -> Result<Vec<Found>, StoreError> {
        if let Some(direct) = &self.direct {
            let wanted = Wanted { keys, projected: how.into() };
            let input = BatchGetItem { request_items: HashMap::from([(self.tables.core.as_str(), wanted)]) };
            let answer: Option<Answered> = direct.read("BatchGetItem", &input).await;
            if let Some(answer) = answer.filter(|answer| answer.unprocessed_keys.is_empty()) {
                return Ok(answer.responses.into_values().flatten().collect());
            }
        }
        Box::pin(self.batch_by_sdk(keys, how)).await
    }

    async fn batch_by_sdk(&self, keys: &[Key], how: How) -> Result<Vec<Found>, StoreError> {
        let wanted = KeysAndAttributes::builder()
            .set_keys(Some(keys.iter().map(Key::attributes).collect()))
            .consistent_read(how.consistent)
            .set_projection_expression(how.projection())
            .set_expression_attribute_names(how.names())
            .build()?;
        let mut wanted = HashMap::from([(self.tables.core.clone(), wanted)]);
        let mut found = Vec::new();
        for _ in 0..TRIES {
            let answer = self.client.batch_get_item().set_request_items(Some(wanted)).send().await?;
            let items = answer.responses.unwrap_or_default().into_values().flatten();
            found.extend(items.map(Found::from));
            wanted = answer.unprocessed_keys.unwrap_or_default();
            if wanted.is_empty() {
                return Ok(found);
            }
        }
        Err(StoreError::busy("DynamoDB left keys unread"))
    }

    /// What is stored in a partition that holds a handful of small items (strongly consistent).
    pub(crate) async fn partition(&self, name: &str) -> Result<Vec<Found>, StoreError> {
        const CONDITION: &str = "pk = :pk";
        if let Some(direct) = &self.direct {
            let input = Query {
                table_name: &self.tables.core,
                consistent_read: true,
                key_condition_expression: CONDITION,
                expression_attribute_values: partition(name).into(),
            };
            let answer: Option<Listed> = direct.read("Query", &input).await;
            if let Some(answer) = answer.filter(|answer| answer.last_evaluated_key.is_none()) {
                return Ok(answer.items);
            }
        }
        let query = self.client.query().table_name(&self.tables.core).consistent_read(true);
        let query = query.key_condition_expression(CONDITION).set_expression_attribute_values(Some(partition(name)));
        let found = Box::pin(query.send()).await?;
        Ok(found.items.unwrap_or_default().into_iter().map(Into::into).collect())
    }
}

/// Everything that the query finds, page by page.
pub(crate) async fn all_pages(query: QueryFluentBuilder) -> Result<Vec<Item>, StoreError> {
    Ok(Box::pin(query.into_paginator().items().send().try_collect()).await?)
}

fn by_sort_key(item: Found) -> Option<(String, Found)> {
    match item.get("sk") {
        Some(serde_dynamo::AttributeValue::S(sk)) => Some((sk.clone(), item)),
        _ => None,
    }
}
