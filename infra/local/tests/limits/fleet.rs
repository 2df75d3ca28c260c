//! Several execution environments of one function, which share nothing but the tables.

use lambda::{Running, http::HttpService};
use lambda_http::{request, tower::Service};
use local::functions::all;
use serde_json::json;

use crate::world::World;

pub(crate) struct Fleet(Vec<HttpService>);

impl Fleet {
    pub(crate) async fn of(world: &World, function: &str, environments: usize) -> Self {
        let env = world.stack.functions.env(function).unwrap();
        let function = all().find(|it| it.name == function).unwrap();
        let mut fleet = Vec::new();
        for _ in 0..environments {
            match function.start(env.clone()).await.unwrap() {
                Running::Http(service) => fleet.push(service),
                Running::Event(_) => panic!("not an HTTP function"),
            }
        }
        Self(fleet)
    }

    /// A GET that reaches one of them, and its status.
    pub(crate) async fn get(&self, environment: usize, path: &str, ip: &str) -> u16 {
        let event = json!({
            "version": "2.0", "rawPath": path, "rawQueryString": "", "headers": {"x-forwarded-proto": "https"},
            "requestContext": {"requestId": "request-of-the-test", "timeEpoch": 0,
                "http": {"method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": ip}},
            "isBase64Encoded": false,
        });
        let mut service = self.0[environment % self.0.len()].clone();
        service.call(request::from_str(&event.to_string()).unwrap()).await.unwrap().status().as_u16()
    }
}
