// An OpenID provider on loopback: `node openid.mjs MODULES OPTIONS`, where MODULES holds oidc-provider and OPTIONS is
// JSON: {port, kid, claimsInIdToken}. It writes its issuer on a line once it serves.
// Whoever signs in is believed; their claims follow from the login: "unverified-..." has an address nobody verified.
import { createServer } from "node:http";
import { generateKeyPair } from "node:crypto";
import { promisify } from "node:util";
import { pathToFileURL } from "node:url";

const [modules, options] = [process.argv[2], JSON.parse(process.argv[3])];
const { default: Provider } = await import(pathToFileURL(`${modules}/node_modules/oidc-provider/lib/index.js`));
const { privateKey } = await promisify(generateKeyPair)("ec", { namedCurve: "P-256" });
const key = { ...privateKey.export({ format: "jwk" }), kid: options.kid, use: "sig", alg: "ES256" };

const server = createServer();
server.listen(options.port, "127.0.0.1", () => {
  const issuer = `http://localhost:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: "arena",
        client_secret: "the secret of arena",
        redirect_uris: ["http://127.0.0.1/sign-in/oidc/callback"],
        id_token_signed_response_alg: "ES256",
      },
    ],
    jwks: { keys: [key] },
    claims: { openid: ["sub"], profile: ["name", "preferred_username"], email: ["email", "email_verified"] },
    conformIdTokenClaims: !options.claimsInIdToken,
    pkce: { required: () => true },
    cookies: { keys: ["a key of the tests"] },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({
        sub: id,
        preferred_username: id,
        name: `${id[0].toUpperCase()}${id.slice(1)} of the team`,
        email: `${id}@example.org`,
        email_verified: !id.startsWith("unverified"),
      }),
    }),
  });
  // A box of a test gets its port when it starts.
  provider.Client.prototype.redirectUriAllowed = (address) =>
    /^http:\/\/(127\.0\.0\.1:\d+|arena\.test)\/sign-in\/oidc\/callback$/.test(address);
  provider.on("server_error", (_, error) => console.error(error));
  server.on("request", provider.callback());
  console.log(issuer);
});
