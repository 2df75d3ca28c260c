//! `POST /api/v1/tenants/{tenant_id}/invitations`: asks somebody by mail to join the tenant.
//!
//! The answer, the mail and the work are the same whether the address is somebody's or nobody's; that it belongs to a member
//! of the tenant, the inviter may know. An invitation to be an admin takes a seat of the plan; where there is none left,
//! those that are outlived are cleared away first.
//!
//! Beside the door's read: two writes for the counts of mails, three reads, one transaction and one mail; a read more with an
//! `Idempotency-Key`, and for a repeat nothing else; at the plan's limit a `Query`, and a transaction for each outlived
//! invitation.

use domain::{
    Action, EmailAddress, Facts, IdentityId, InvitationId, InvitationToken, Permission, Role, throttle::Rule,
};
use http::Method;
use jiff::{SignedDuration, Timestamp};
use lambda::http::{
    Access, BODY_LIMIT, Csrf, Cx, Errors, Field, Idempotency, IdempotencyKey, Json, Pass, Policy, Problem, Rate, Reply,
    Route, Scope, Unknown, kinds,
};
use mail::{Invited, Message};
use serde::Deserialize;
use store::{Audit, Earlier, IdempotencyRecord, Invitation, MembersError, MembersRefusal, Tenant};
use utoipa::ToSchema;

use crate::{
    change::tenant_role,
    desk::{Acting, Desk},
    invitation::Shown,
    refusal::Error,
};

/// How long the link of a mail works.
pub(crate) const VALID_DAYS: u32 = 7;
/// How often an outlived invitation may be in the way.
const TRIES: usize = 3;
/// Invitations looked at in one `Query`.
const PAGE: u16 = 100;

/// What to send.
#[derive(Deserialize, ToSchema)]
#[schema(as = InvitationRequest)]
pub struct Request {
    #[serde(default)]
    #[schema(value_type = String, required, format = "email", max_length = 254)]
    email: Field<String>,
    /// `owner`, `admin`, `manager`, `agent` or `analyst`; not above your own.
    #[serde(default)]
    #[schema(value_type = String, required, example = "agent")]
    role: Field<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

impl Request {
    fn parse(self) -> Result<(EmailAddress, Role), Problem> {
        let mut errors = Errors::of(&self.unknown);
        let (email, role) = (errors.require("email", self.email), errors.require("role", self.role));
        let email = email.and_then(|text| EmailAddress::parse(&text).map_err(|r| errors.push(r.at("/email"))).ok());
        let role = role.and_then(|text| tenant_role(&text).map_err(|error| errors.push(error)).ok());
        match (email, role) {
            (Some(email), Some(role)) => errors.finish(Ok((email, role))),
            _ => errors.finish(Err(Vec::new())),
        }
    }
}

/// The route.
pub struct Invite;

impl Route for Invite {
    const POLICY: Policy = Policy {
        operation: "members-invite",
        summary: "Invite somebody to a tenant by mail",
        method: Method::POST,
        path: "/api/v1/tenants/{tenant_id}/invitations",
        access: Access::Permission(Permission::MemberInvite, Scope::Tenant),
        rate: Rate::General,
        body_limit: BODY_LIMIT,
        csrf: Csrf::Exempt("uses no cookie: the caller sends a bearer token"),
        idempotency: Idempotency::Optional,
        success: 201,
        problems: &[
            &kinds::ALREADY_MEMBER,
            &kinds::ALREADY_INVITED,
            &kinds::PLAN_LIMIT,
            &kinds::WRONG_STATE,
            &kinds::TOO_MANY_TRIES,
            &kinds::IDEMPOTENCY_MISMATCH,
            &kinds::INVALID_HEADER,
        ],
    };
    type Deps = Desk;
    type Body = Json<Request>;
    type Answer = Json<Shown>;
    type Error = Error;

    async fn handle(desk: &Desk, cx: Cx, Json(request): Json<Request>) -> Result<Reply<Self::Answer>, Error> {
        let acting = Acting::of(&cx)?;
        let once = IdempotencyKey::sent(&cx, "invitation.create")?;
        let (email, role) = request.parse()?;
        acting.reaches(role)?;
        let token = InvitationToken::new(&*desk.entropy);
        let invitation = Invitation {
            invitation_id: InvitationId::of(&acting.tenant, &email),
            tenant_id: acting.tenant.clone(),
            email,
            role,
            token: token.digest(),
            invited_by: cx.caller.actor(),
            created_at: cx.now,
            expires_at: expiry(cx.now),
        };
        let Some(once) = once else { return desk.invite(&cx, &acting, invitation, &token, None).await };
        let asked = (invitation.email.normalized(), role);
        let saved = once.record(&asked, &invitation, cx.now, &*desk.entropy)?;
        if let Some(earlier) = desk.store.earlier(&saved).await? {
            return Ok(Reply::json(Shown::of(once.answered(earlier)?, cx.now)));
        }
        let invited = desk.invite(&cx, &acting, invitation, &token, Some((&once, &saved))).await;
        if matches!(invited, Err(Error::Mail(_))) {
            // The answer that was saved promises a mail. Where this fails, too, a repeat has it.
            desk.store.forget(&saved).await?;
        }
        invited
    }
}

pub(crate) fn expiry(now: Timestamp) -> Timestamp {
    now.saturating_add(SignedDuration::from_hours(i64::from(VALID_DAYS) * 24)).unwrap_or(now)
}

pub(crate) fn facts(invitation: &Invitation) -> Facts {
    let Invitation { invitation_id, email, role, expires_at, .. } = invitation;
    Facts::new()
        .with("invitation_id", invitation_id)
        .with("email", email)
        .with("role", role)
        .with("expires_at", expires_at)
}

impl Desk {
    pub(crate) async fn tenant(&self, acting: &Acting<'_>) -> Result<Tenant, Error> {
        let found = self.store.tenant(&acting.tenant).await?;
        Ok(found.ok_or_else(|| Problem::new(&kinds::NOT_FOUND))?)
    }

    /// Counts a mail, for its tenant and for its address there: two writes.
    pub(crate) async fn count_mail(&self, acting: &Acting<'_>, to: &EmailAddress, cx: &Cx) -> Result<Pass, Problem> {
        let tenant = acting.tenant.as_str();
        let _all = self.throttle.count(&Rule::INVITATIONS, tenant, cx.now).await?;
        self.throttle.count(&Rule::INVITATION, &format!("{tenant}#{}", to.normalized()), cx.now).await
    }

    /// Two reads, whoever has the address.
    async fn is_member(&self, acting: &Acting<'_>, email: &EmailAddress) -> Result<bool, Error> {
        let known = self.store.identity_by_email(email).await?;
        let person = known.unwrap_or_else(|| IdentityId::new(&*self.entropy));
        Ok(self.store.membership(&acting.tenant, &person).await?.is_some())
    }

    async fn invite(
        &self,
        cx: &Cx,
        acting: &Acting<'_>,
        new: Invitation,
        token: &InvitationToken,
        once: Option<(&IdempotencyKey, &IdempotencyRecord)>,
    ) -> Result<Reply<Json<Shown>>, Error> {
        let tenant = self.tenant(acting).await?;
        let pass = self.count_mail(acting, &new.email, cx).await?;
        if self.is_member(acting, &new.email).await? {
            return Err(Error::AlreadyMember);
        }
        let saved = once.map(|(_, saved)| saved);
        if let (Some(earlier), Some((once, _))) = (self.keep(cx, acting, &new, saved, &tenant).await?, once) {
            return Ok(Reply::json(Shown::of(once.answered(earlier)?, cx.now)));
        }
        self.mail(&tenant, &new, token).await?;
        Ok(pass.stamp(Ok(Reply::json(Shown::of(new, cx.now))))?)
    }

    async fn keep(
        &self,
        cx: &Cx,
        acting: &Acting<'_>,
        new: &Invitation,
        saved: Option<&IdempotencyRecord>,
        tenant: &Tenant,
    ) -> Result<Option<Earlier>, Error> {
        let audit = acting.audit(cx, Action::InvitationSent, Facts::new(), facts(new));
        let audit = Audit::from(audit).kept_for(tenant.plan);
        for _ in 0..TRIES {
            match self.store.invite(acting.by(), new, saved, &audit).await {
                Err(MembersError::Refused(refusal)) if self.made_way(cx, acting, new, refusal).await? => {}
                other => return Ok(other?),
            }
        }
        Err(MembersError::Refused(MembersRefusal::Outrun).into())
    }

    /// Whether something outlived was in the way, and is not any more.
    async fn made_way(
        &self,
        cx: &Cx,
        acting: &Acting<'_>,
        new: &Invitation,
        refusal: MembersRefusal,
    ) -> Result<bool, Error> {
        let outlived = match refusal {
            MembersRefusal::There => {
                let earlier = self.store.invitation(&new.tenant_id, &new.invitation_id).await?;
                earlier.into_iter().filter(|earlier| !earlier.is_open(cx.now)).collect()
            }
            MembersRefusal::PlanLimit(_) => self.outlived_admins(acting, cx.now).await?,
            _ => Vec::new(),
        };
        for invitation in &outlived {
            let audit = acting.audit(cx, Action::InvitationExpired, facts(invitation), Facts::new());
            match self.store.withdraw_invitation(None, invitation, &audit.into()).await {
                // Somebody else cleared it away, or renewed it.
                Ok(()) | Err(MembersError::Refused(_)) => {}
                Err(MembersError::Store(error)) => return Err(error.into()),
            }
        }
        Ok(!outlived.is_empty())
    }

    async fn outlived_admins(&self, acting: &Acting<'_>, now: Timestamp) -> Result<Vec<Invitation>, Error> {
        let (mut outlived, mut after) = (Vec::new(), None);
        loop {
            let (page, next) = self.store.invitations(&acting.tenant, after.as_ref(), PAGE).await?;
            outlived.extend(page.into_iter().filter(|one| one.role.is_admin() && !one.is_open(now)));
            match next {
                Some(next) => after = Some(next),
                None => return Ok(outlived),
            }
        }
    }

    pub(crate) async fn mail(
        &self,
        tenant: &Tenant,
        invitation: &Invitation,
        token: &InvitationToken,
    ) -> Result<(), Error> {
        let message = Message::Invited(Invited {
            company: tenant.company_name.clone(),
            role: invitation.role,
            invitation_link: self.mailer.links().invitation(token),
            valid_days: VALID_DAYS,
        });
        self.mailer.send(&invitation.email, &message, &[("kind", message.kind())]).await?;
        Ok(())
    }
}
