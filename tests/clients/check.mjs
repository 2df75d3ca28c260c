// Signs a tenant up, its owner in, with a second factor too, by the code of docs/integrating.md; verifies the access tokens with
// jose, and has it refuse what is not one. Prints good and bad tokens for the next client.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';

import { Session, signIn } from './session.mjs';
import { sign } from './sign.mjs';
import { verify } from './verify.mjs';

const url = process.env.INNKEEPER_URL;
const email = 'owner@lanterns.example';
const password = 'seven purple lanterns, drifting';

async function call(path, { method = 'GET', body, token } = {}) {
  const headers = { ...(body && { 'content-type': 'application/json' }), ...(token && { authorization: `Bearer ${token}` }) };
  const response = await fetch(url + path, { method, headers, body: body && JSON.stringify(body) });
  return { status: response.status, answer: await response.json().catch(() => undefined) };
}

/** Asks again at once until there is an answer; gives up after a minute. */
async function until(what, look) {
  for (const end = Date.now() + 60_000; Date.now() < end; ) {
    const seen = await look();
    if (seen) return seen;
  }
  throw new Error(`waited in vain for ${what}`);
}

/** Runs `act` where these answers, the last one again and again, stand for the network, and a pause takes no time; the pauses in ms. */
async function answeredWith(answers, act) {
  const { fetch, setTimeout } = globalThis;
  const { now } = Date;
  const pauses = [];
  let passed = 0;
  globalThis.fetch = async () => {
    const { status, body, headers } = answers.length > 1 ? answers.shift() : answers[0];
    return new Response(body, { status, headers });
  };
  globalThis.setTimeout = (resume, pause) => {
    pauses.push(pause);
    passed += pause;
    queueMicrotask(resume);
  };
  Date.now = () => now() + passed;
  try {
    await act();
  } finally {
    Object.assign(globalThis, { fetch, setTimeout });
    Date.now = now;
  }
  return pauses;
}

/** RFC 6238, as an authenticator does it. */
function codeOf(secret, step) {
  const bits = [...secret].map((digit) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(digit).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac('sha1', key).update(counter).digest();
  const number = mac.readUInt32BE(mac[19] & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, '0');
}

const signup = { company_name: 'Lantern Works', subdomain: 'lanterns', admin_name: 'Ada Admin', admin_email: email };
const { answer: tenant } = await call('/api/v1/tenants', { method: 'POST', body: signup });
const mail = await until('the welcome mail', async () => {
  const { answer: mails } = await call('/_local/mail');
  return mails.find((mail) => mail.to === email);
});
const token = mail.text.match(/token=(\S+)/)[1];
await call('/api/v1/auth/activate', { method: 'POST', body: { token, password } });

// Sign in, and refresh, a lost answer among them.
const session = await signIn({ email, password });
const claims = await verify(await session.token());
assert.equal(claims.tid, tenant.tenant_id);
assert.equal(claims.role, 'owner');

// An API key does what its scopes say, until it is revoked.
const keys = `/api/v1/tenants/${tenant.tenant_id}/api-keys`;
const minted = await call(keys, {
  method: 'POST', token: session.accessToken, body: { name: 'nightly export', scopes: ['vault.manage'] },
});
assert.equal(minted.status, 201);
const { api_key, key_id } = minted.answer;
assert.match(api_key, /^ink_(live|test)_[a-z0-9-]+_[0-9a-f]{16}_[A-Za-z0-9_-]{49}$/);
assert.equal((await call('/api/v1/vault', { token: api_key })).status, 200);
assert.equal((await call('/api/v1/auth/whoami', { token: api_key })).status, 403);
assert.equal((await call(`${keys}/${key_id}`, { method: 'DELETE', token: session.accessToken })).status, 204);
assert.equal((await call('/api/v1/vault', { token: api_key })).status, 401);

// A signature is complete, and only its key is not the stack's, which nobody outside is told.
const order = JSON.stringify({ secret: 'refresh-keys' });
const signed = sign('not the secret of this stack', 'POST', `${url}/api/v1/jobs/rotations`, order);
const refused = await fetch(`${url}/api/v1/jobs/rotations`, {
  method: 'POST', body: order, headers: { 'content-type': 'application/json', ...signed },
});
assert.equal((await refused.json()).detail, 'the signature is not that of this request');

const first = session.refreshToken;
await session.refresh();
const second = session.refreshToken;
session.refreshToken = first;
await session.refresh();
assert.equal(session.refreshToken, second, 'the same successor, where the answer was lost');
session.goodUntil = 0;
const [one, other] = await Promise.all([session.token(), session.token()]);
assert.equal(one, other, 'one refresh at a time');
await verify(one);

// The answers to a right password that are no session.
const mustChange = { password_change_required: true, reset_token: 'ink_rst_x', expires_in: 900 };
await answeredWith([{ status: 200, body: JSON.stringify(mustChange) }], () =>
  assert.rejects(signIn({ email, password }), { code: 'password_change_required', token: 'ink_rst_x' }));
const mustEnrol = { mfa_token: 'ink_mfa_x', expires_in: 300, next: 'enrol' };
await answeredWith([{ status: 200, body: JSON.stringify(mustEnrol) }], () =>
  assert.rejects(signIn({ email, password }), { code: 'second_factor_required', token: 'ink_mfa_x' }));

// A server that is down is left alone for a while, for what it asks for, and for good before the ten seconds are over.
const down = { status: 503, body: '{"code": "unavailable"}', headers: { 'retry-after': '1' } };
const waiting = new Session({ access_token: 'a', expires_in: 0, refresh_token: 'ink_rt_1' });
const waits = await answeredWith([down], () => assert.rejects(waiting.refresh(), { status: 503, code: 'unavailable' }));
assert.ok(waits.length >= 2 && waits.length <= 8, `${waits}`);
assert.ok(waits.every((wait) => wait >= 1000), `${waits}`);
assert.ok(waits.reduce((sum, wait) => sum + wait) <= 9000, `${waits}`);
const gateway = { status: 502, body: '<html>Bad Gateway</html>' };
const renewed = { status: 200, body: JSON.stringify({ access_token: 'b', expires_in: 900, refresh_token: 'ink_rt_2' }) };
assert.equal((await answeredWith([gateway, gateway, renewed], () => waiting.refresh())).length, 2);
assert.equal(waiting.refreshToken, 'ink_rt_2', 'what stands before the functions answers without JSON');
const limited = { status: 429, body: '{"code": "too_many_tries"}', headers: { 'retry-after': '60' } };
assert.deepEqual(await answeredWith([limited], () => assert.rejects(waiting.refresh(), { status: 429 })), []);
const over = { status: 401, body: '{"code": "invalid_refresh_token"}' };
assert.deepEqual(await answeredWith([over], () => assert.rejects(waiting.refresh(), { code: 'invalid_refresh_token' })), []);

// A second factor.
const enrolled = await call('/api/v1/auth/mfa/totp', { method: 'POST', token: one });
const { secret } = enrolled.answer;
const step = Math.floor(Date.now() / 30_000);
const confirmed = await call('/api/v1/auth/mfa/totp/confirm', { method: 'POST', token: one, body: { code: codeOf(secret, step) } });
assert.equal(confirmed.answer.recovery_codes.length, 10, JSON.stringify(confirmed.answer));
await assert.rejects(signIn({ email, password }, async () => codeOf(secret, step)), { code: 'invalid_second_factor' });
const again = await signIn({ email, password }, async () => codeOf(secret, step + 1)); // one step early is in time
assert.equal((await verify(await again.token())).sub, claims.sub);

// What is not an access token of this stack.
const good = await again.token();
const [header, payload, signature] = good.split('.');
const json = (part) => JSON.parse(Buffer.from(part, 'base64url'));
const encode = (part) => Buffer.from(JSON.stringify(part)).toString('base64url');
const flipped = (text) => (text[9] === 'A' ? `${text.slice(0, 9)}B${text.slice(10)}` : `${text.slice(0, 9)}A${text.slice(10)}`);
const asked = await call('/api/v1/auth/login', { method: 'POST', body: { email, password } });
const bad = {
  'another role': [header, encode({ ...json(payload), role: 'super_admin' }), signature].join('.'),
  'another signature': [header, payload, flipped(signature)].join('.'),
  'another type': [encode({ ...json(header), typ: 'JWT' }), payload, signature].join('.'),
  'no algorithm': `${encode({ alg: 'none', typ: 'at+jwt' })}.${payload}.`,
  'no signature': `${header}.${payload}.`,
  'the token of a waiting sign-in': asked.answer.mfa_token,
  'a refresh token': again.refreshToken,
};
for (const [what, token] of Object.entries(bad)) {
  await assert.rejects(verify(token), undefined, what);
  const refused = await call('/api/v1/auth/whoami', { token });
  assert.equal(refused.status, 401, what);
}
assert.equal((await call('/api/v1/auth/whoami', { token: good })).status, 200);
console.error(`jose: verified 3 tokens, refused ${Object.keys(bad).length}`);
console.log(JSON.stringify({ good: [one, good], bad, tenant: tenant.tenant_id }));
