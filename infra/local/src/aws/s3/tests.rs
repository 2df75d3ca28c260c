//! S3 behind the gateway, by the client that the functions have.

use aws_credential_types::Credentials;
use bytes::Bytes;
use exports::{Bucket, BucketError};
use http::{Request, Response};
use jiff::SignedDuration;

use super::*;
use crate::aws::connector::{connector, sdk_config};
use crate::aws::testing::{REGION, World, credentials};

const BUCKET: &str = "the-exports";
const ENDPOINT: &str = "http://127.0.0.1:8080/_local/s3";
const KEY: &str = "exports/tenant-demo-0123abcd/exp_1.ndjson";

fn open(world: &World, dir: Option<&Path>) -> Arc<S3> {
    let persist = dir.map_or_else(Persist::memory, |dir| Persist::open(&dir.join("objects.sqlite")).unwrap());
    let folder = dir.map(|dir| dir.join("s3"));
    let s3 = Arc::new(S3::open(folder.as_deref(), Arc::new(world.clock.clone()), Arc::new(persist)).unwrap());
    let week = Expiration { prefix: "exports/".into(), days: 7 };
    s3.make(&BucketSpec { logical_id: "Exports".into(), name: BUCKET.into(), expirations: vec![week], line: 1 });
    world.gateway.mount("s3", s3.clone());
    s3
}

fn bucket_of(world: &World, name: &str, who: Credentials) -> Bucket {
    let config = sdk_config(world.gateway.clone(), REGION, who);
    let clock = Arc::new(world.clock.clone());
    Bucket::new(&config, connector(world.gateway.clone()), clock, Some(ENDPOINT), name).unwrap()
}

fn bucket(world: &World) -> Bucket {
    bucket_of(world, BUCKET, credentials("signup-create"))
}

/// As a browser would, which knows a path and a host.
async fn call(world: &World, method: &str, url: &str) -> Response<Bytes> {
    let path = url.strip_prefix("http://127.0.0.1:8080").unwrap();
    let request = Request::builder().method(method).uri(path).header("host", "127.0.0.1:8080");
    world.gateway.call(request.body(Bytes::new()).unwrap()).await.unwrap()
}

#[track_caller]
fn refused(answer: &Response<Bytes>, status: u16, code: &str) {
    let body = String::from_utf8_lossy(answer.body());
    assert_eq!(answer.status(), status, "{body}");
    assert!(body.contains(&format!("<Code>{code}</Code>")), "{body}");
}

#[tokio::test]
async fn an_object_is_found_by_its_link_until_that_is_over() {
    let world = World::new();
    open(&world, None);
    let bucket = bucket(&world);
    bucket.put(KEY, "one\ntwo\n").await.unwrap();
    let link = bucket.link(KEY, SignedDuration::from_mins(15)).await.unwrap();
    assert_eq!(link.expires_at, world.clock.now() + SignedDuration::from_mins(15));
    let found = call(&world, "GET", link.expose()).await;
    assert_eq!((found.status().as_u16(), &found.body()[..]), (200, &b"one\ntwo\n"[..]));
    assert_eq!(found.headers()["content-type"], "application/x-ndjson");

    world.clock.advance(SignedDuration::from_secs(15 * 60 - 1));
    assert_eq!(call(&world, "GET", link.expose()).await.status(), 200);
    world.clock.advance(SignedDuration::from_secs(1));
    refused(&call(&world, "GET", link.expose()).await, 403, "AccessDenied");
}

#[tokio::test]
async fn a_link_opens_what_it_was_signed_for_and_nothing_else() {
    let world = World::new();
    open(&world, None);
    let bucket = bucket(&world);
    bucket.put(KEY, "one").await.unwrap();
    bucket.put("exports/other.ndjson", "two").await.unwrap();
    let link = bucket.link(KEY, SignedDuration::from_mins(15)).await.unwrap();
    let link = link.expose();
    for (from, to) in [
        (KEY, "exports/other.ndjson"),
        ("X-Amz-Expires=900", "X-Amz-Expires=9000"),
        ("X-Amz-Date=20260102", "X-Amz-Date=20260103"),
        ("the-exports", "others"),
        ("eu-central-1", "us-east-1"),
        ("?", "?response-content-type=text%2Fhtml&"),
    ] {
        assert!(link.contains(from), "{link} has no {from}");
        let changed = link.replace(from, to);
        let answer = call(&world, "GET", &changed).await;
        assert!([400, 403].contains(&answer.status().as_u16()), "{changed}: {}", answer.status());
        assert!(!answer.body().ends_with(b"one") && !answer.body().ends_with(b"two"));
    }
    refused(&call(&world, "PUT", link).await, 403, "SignatureDoesNotMatch");
    for without in ["X-Amz-Signature", "X-Amz-Credential", "X-Amz-Expires", "X-Amz-Date", "X-Amz-SignedHeaders"] {
        let changed = link.replace(without, "X-Amz-Other");
        assert!(call(&world, "GET", &changed).await.status().is_client_error(), "{without}");
    }
    let twice = format!("{link}&X-Amz-Expires=900");
    assert!(call(&world, "GET", &twice).await.status().is_client_error());
    let host = Request::get(link.replace("127.0.0.1:8080", "elsewhere.example")).header("host", "elsewhere.example");
    let answer = world.gateway.call(host.body(Bytes::new()).unwrap()).await.unwrap();
    refused(&answer, 403, "SignatureDoesNotMatch");
}

#[tokio::test]
async fn iam_is_asked_of_whoever_puts_and_of_whoever_signed() {
    let world = World::new();
    open(&world, None);
    let bucket = bucket(&world);
    bucket.put(KEY, "one").await.unwrap();
    let link = bucket.link(KEY, SignedDuration::from_mins(15)).await.unwrap();
    call(&world, "GET", link.expose()).await;
    let arn = format!("arn:aws:s3:::{BUCKET}/{KEY}");
    let asked = world.rules.asked.lock().unwrap().clone();
    assert_eq!(asked, [("s3:PutObject".to_owned(), arn.clone()), ("s3:GetObject".to_owned(), arn)]);
    world.rules.denied.lock().unwrap().extend(["s3:PutObject".to_owned(), "s3:GetObject".to_owned()]);
    assert!(matches!(bucket.put(KEY, "two").await, Err(BucketError::Refused(403))));
    refused(&call(&world, "GET", link.expose()).await, 403, "AccessDenied");

    let stranger = bucket_of(&world, BUCKET, credentials("stranger"));
    assert!(matches!(stranger.put(KEY, "two").await, Err(BucketError::Refused(403))));
    let forger = Credentials::new("AK-signup-create", "guessed", None, None, "test");
    assert!(matches!(bucket_of(&world, BUCKET, forger).put(KEY, "two").await, Err(BucketError::Refused(403))));
    let unsigned = format!("{ENDPOINT}/{BUCKET}/{KEY}");
    assert_eq!(call(&world, "GET", &unsigned).await.status(), 400);
}

#[tokio::test]
async fn a_bucket_that_was_not_made_and_a_key_that_is_no_name_are_refused() {
    let world = World::new();
    open(&world, None);
    let other = bucket_of(&world, "others", credentials("signup-create"));
    assert!(matches!(other.put(KEY, "one").await, Err(BucketError::Refused(404))));
    for key in ["exports/../../etc/passwd", "exports//x", "./x"] {
        assert!(matches!(bucket(&world).put(key, "one").await, Err(BucketError::Refused(400))), "{key}");
    }
    let link = bucket(&world).link("exports/none", SignedDuration::from_mins(1)).await.unwrap();
    refused(&call(&world, "GET", link.expose()).await, 404, "NoSuchKey");
}

#[tokio::test]
async fn objects_outlive_the_process_and_not_their_rule() {
    use std::os::unix::fs::PermissionsExt;
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    open(&world, Some(dir.path()));
    bucket(&world).put(KEY, "one").await.unwrap();
    bucket(&world).put("removed/x", "two").await.unwrap();
    let s3 = open(&world, Some(dir.path()));
    let found = s3.objects(BUCKET).unwrap();
    assert_eq!(found, [(KEY.to_owned(), Bytes::from("one")), ("removed/x".to_owned(), Bytes::from("two"))]);
    let file = dir.path().join("s3").join(BUCKET).join(KEY);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o077, 0);

    world.clock.advance(SignedDuration::from_hours(7 * 24));
    assert_eq!(s3.objects(BUCKET).unwrap(), [("removed/x".to_owned(), Bytes::from("two"))]);
    assert!(!file.exists() && open(&world, Some(dir.path())).objects(BUCKET).unwrap().len() == 1);
}
