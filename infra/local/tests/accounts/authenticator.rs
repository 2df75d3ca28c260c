//! The app on the phone: it knows the secret as it was typed, and what time it is.

use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha1::Sha1;

use crate::world::{Answer, Caller, World};

pub(crate) const TOTP: &str = "/api/v1/auth/mfa/totp";
pub(crate) const CONFIRM: &str = "/api/v1/auth/mfa/totp/confirm";
pub(crate) const VERIFY: &str = "/api/v1/auth/mfa/verify";
pub(crate) const RECOVERY_CODES: &str = "/api/v1/auth/mfa/recovery-codes";

#[derive(Clone)]
pub(crate) struct Authenticator {
    pub(crate) secret: String,
}

impl Authenticator {
    pub(crate) fn of(enrolment: &Value) -> Self {
        Self { secret: enrolment["secret"].as_str().unwrap().to_owned() }
    }

    /// What it shows now. Written after RFC 6238, and not with the code under test.
    pub(crate) fn code(&self, world: &World) -> String {
        self.code_in(world, 0)
    }

    /// What it shows so many steps later.
    pub(crate) fn code_in(&self, world: &World, steps: i64) -> String {
        let key = BASE32_NOPAD.decode(self.secret.as_bytes()).unwrap();
        let step = world.stack.clock.now().as_second() / 30 + steps;
        let mac = Hmac::<Sha1>::new_from_slice(&key).unwrap().chain_update(step.to_be_bytes()).finalize().into_bytes();
        let from = usize::from(mac[19] & 0xf);
        let number = u32::from_be_bytes(mac[from..from + 4].try_into().unwrap()) & 0x7fff_ffff;
        format!("{:06}", number % 1_000_000)
    }

    /// No code of these minutes.
    pub(crate) fn wrong(&self, world: &World) -> String {
        let near: Vec<String> = (-3..=3).map(|steps| self.code_in(world, steps)).collect();
        (0..).map(|number| format!("{number:06}")).find(|code| !near.contains(code)).unwrap()
    }
}

impl World {
    /// Waits until there is a code that was not used.
    pub(crate) fn next_code(&self) {
        self.advance(jiff::SignedDuration::from_secs(30));
    }

    pub(crate) async fn enrol(&self, caller: &Caller) -> Authenticator {
        Authenticator::of(&self.post(caller, TOTP, &Value::Null).await.expect(200))
    }

    pub(crate) async fn show(&self, caller: &Caller, code: &str) -> Answer {
        self.post(caller, VERIFY, &json!({"code": code})).await
    }

    pub(crate) async fn recover(&self, caller: &Caller, code: &str) -> Answer {
        self.post(caller, VERIFY, &json!({"recovery_code": code})).await
    }

    /// The person's new authenticator, confirmed, and the recovery codes.
    pub(crate) async fn equip(&self, caller: &Caller) -> (Authenticator, Vec<String>) {
        let authenticator = self.enrol(caller).await;
        let confirmed = self.post(caller, CONFIRM, &json!({"code": authenticator.code(self)})).await.expect(200);
        self.next_code();
        (authenticator, texts(&confirmed["recovery_codes"]))
    }

    /// Somebody whose password was right, and of whom a second factor is asked: the bearer of the token for it.
    pub(crate) async fn half_way(&self, email: &str, password: &str) -> Caller {
        let caller = self.somebody();
        let asked = self.try_log_in(&caller, email, password).await.expect(200);
        assert!(asked.get("access_token").is_none() && asked.get("refresh_token").is_none(), "no session yet");
        caller.with(asked["mfa_token"].as_str().unwrap())
    }

    /// Signed in with password and code.
    pub(crate) async fn come_in(&self, email: &str, password: &str, authenticator: &Authenticator) -> Caller {
        let caller = self.half_way(email, password).await;
        let session = self.show(&caller, &authenticator.code(self)).await.expect(200);
        self.next_code();
        caller.with(session["access_token"].as_str().unwrap())
    }

    pub(crate) fn audited(&self, action: &str) -> usize {
        self.items("audit").iter().filter(|entry| entry["action"]["S"] == action).count()
    }

    pub(crate) fn sessions(&self) -> usize {
        self.items("core").iter().filter(|item| item["sk"]["S"].as_str().unwrap().starts_with("~SESSION#")).count()
    }
}

pub(crate) fn texts(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}
