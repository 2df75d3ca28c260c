// The status route as one would write it in Node: AWS SDK v3's document client, bundled, on AWS's own runtime client.
// It does what `functions/signup/src/status.rs` and the door do for a status token, and no more.
import { createHash, timingSafeEqual } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';

const client = DynamoDBDocumentClient.from(new DynamoDBClient({}));
const table = process.env.CORE_TABLE;
const headers = {
  'content-type': 'application/json',
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  'x-xss-protection': '1; mode=block',
  'referrer-policy': 'no-referrer',
  'permissions-policy': 'accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), payment=(), usb=()',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'cache-control': 'no-store',
  vary: 'origin',
};
const percent = { requested: 5, validating: 10, queued: 15, provisioning: 40, migrating: 70, seeding: 85, testing: 95, ready: 100 };

const problem = (status, code, requestId) => ({
  statusCode: status,
  headers: { ...headers, 'content-type': 'application/problem+json' },
  body: JSON.stringify({ type: 'about:blank', status, code, request_id: requestId }),
});

export const handler = async (event) => {
  const started = performance.now();
  const requestId = event.requestContext.requestId;
  const answer = await route(event, requestId);
  answer.headers['x-request-id'] = requestId;
  console.log(JSON.stringify({
    level: 'INFO', message: 'request', request_id: requestId, method: event.requestContext.http.method, path: event.rawPath,
    status: answer.statusCode, source_ip: event.requestContext.http.sourceIp, ms: performance.now() - started,
  }));
  return answer;
};

async function route(event, requestId) {
  const token = /^bearer (ink_st_[A-Za-z0-9_-]{49})$/i.exec(event.headers.authorization ?? '')?.[1];
  if (!token) return problem(401, 'unauthenticated', requestId);
  const tenant = event.pathParameters.tenant_id;
  if (!/^tenant-[a-z0-9-]+-[0-9a-f]{8}$/.test(tenant)) return problem(404, 'not-found', requestId);
  const found = await client.send(new GetCommand({
    TableName: table,
    Key: { pk: `T#${tenant}`, sk: 'TENANT' },
    ProjectionExpression: 'status_token, #provisioning',
    ExpressionAttributeNames: { '#provisioning': 'provisioning' },
  }));
  if (!found.Item) return problem(404, 'not-found', requestId);
  const digest = createHash('sha256').update(token).digest();
  if (!timingSafeEqual(digest, Buffer.from(found.Item.status_token, 'hex'))) return problem(404, 'not-found', requestId);
  const p = found.Item.provisioning;
  const body = {
    tenant_id: tenant, status: p.status, phase: p.phase, progress_percent: percent[p.phase] ?? 0,
    current_step: p.current_step ?? null, attempt: p.attempt, steps: p.steps, error: p.error ?? null, events: p.events,
    created_at: p.created_at, updated_at: p.updated_at,
  };
  return { statusCode: 200, headers: { ...headers }, body: JSON.stringify(body) };
}
