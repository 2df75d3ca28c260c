// better-auth on SQLite with the plugins that give it what we have: organisations, bearer tokens, JWTs. Rate limits are off and
// passwords are not hashed, so that what is left is the work of signing in.
import http from 'node:http';
import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import { toNodeHandler } from 'better-auth/node';
import { bearer, jwt, organization } from 'better-auth/plugins';
import Database from 'better-sqlite3';

const database = new Database(process.env.DBFILE);
database.pragma('journal_mode = WAL');
database.pragma('synchronous = NORMAL');

const auth = betterAuth({
  baseURL: 'http://127.0.0.1',
  secret: 'better-auth-secret-0123456789abcdef0123456789',
  database,
  emailAndPassword: {
    enabled: true,
    autoSignIn: true,
    password: { hash: async (password) => `x${password}`, verify: async ({ hash, password }) => hash === `x${password}` },
  },
  rateLimit: { enabled: false },
  trustedOrigins: ['http://127.0.0.1'],
  telemetry: { enabled: false },
  logger: { level: 'error' },
  plugins: [organization(), bearer(), jwt()],
});
await (await getMigrations(auth.options)).runMigrations();

const server = http.createServer(toNodeHandler(auth));
server.listen(0, '127.0.0.1', () => console.log('PORT', server.address().port));
