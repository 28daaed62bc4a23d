//! What clients ask before anything else: the metadata of the cloud, and a token. Any secret will do.

use serde_json::{Value, json};

use super::route::Answer;
use super::time::unix_seconds;
use super::{Rehearsal, Request, Response};

/// How long a token is good for, in seconds: longer than any rehearsal, because the clocks of clients run otherwise.
const TOKEN_LASTS: i64 = 30 * 365 * 24 * 3600;

/// The tenant, whichever a client names.
pub(super) const TENANT: &str = "11111111-1111-4111-8111-111111111111";

/// Answers what is asked without a token; none where the path is about something else. `words` is the path in small
/// letters.
pub(super) fn answer<R: Rehearsal>(request: &Request<'_>, words: &[&str], rehearsal: &R) -> Option<Answer> {
    let answer = match (request.method, words) {
        ("GET", ["metadata", "endpoints"]) => Response::ok(metadata(request)),
        (
            "GET",
            [_, "v2.0", ".well-known", "openid-configuration"] | [_, ".well-known", "openid-configuration"],
        ) => Response::ok(openid(request.base)),
        ("GET", ["common", "discovery", "instance"]) => Response::ok(instance(request.base)),
        ("POST", [_, "oauth2", "v2.0", "token"] | [_, "oauth2", "token"]) => {
            Response::ok(token(request, rehearsal))
        }
        _ => return None,
    };
    Some(Ok(answer))
}

/// The cloud's endpoints, in the three shapes that clients of different ages ask for (azure-clients A2).
fn metadata(request: &Request<'_>) -> Value {
    let base = request.base;
    let authority = base.split("://").nth(1).unwrap_or(base);
    match request.api_version() {
        "2015-01-01" => json!({
            "galleryEndpoint": base,
            "graphEndpoint": base,
            "portalEndpoint": base,
            "authentication": { "loginEndpoint": format!("{base}/"), "audiences": [format!("{base}/")] },
        }),
        version if version < "2022-09-01" => json!([endpoints(base, authority)]),
        _ => endpoints(base, authority),
    }
}

fn endpoints(base: &str, authority: &str) -> Value {
    json!({
        "name": "switchback",
        "portal": base,
        "authentication": {
            "loginEndpoint": base,
            "audiences": [base, format!("{base}/")],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "graph": format!("{base}/"),
        "graphAudience": format!("{base}/"),
        "microsoftGraphResourceId": format!("{base}/"),
        "batch": format!("{base}/"),
        "media": base,
        "resourceManager": format!("{base}/"),
        "gallery": format!("{base}/"),
        "sqlManagement": format!("{base}/"),
        "vmImageAliasDoc": format!("{base}/aliases.json"),
        "activeDirectoryDataLake": format!("{base}/"),
        "suffixes": {
            "storage": authority,
            "keyVaultDns": authority,
            "sqlServerHostname": authority,
            "acrLoginServer": authority,
            "azureDataLakeStoreFileSystem": authority,
            "azureDataLakeAnalyticsCatalogAndJob": authority,
        },
    })
}

fn openid(base: &str) -> Value {
    json!({
        "issuer": format!("{base}/{TENANT}/v2.0"),
        "authorization_endpoint": format!("{base}/{TENANT}/oauth2/v2.0/authorize"),
        "token_endpoint": format!("{base}/{TENANT}/oauth2/v2.0/token"),
        "device_authorization_endpoint": format!("{base}/{TENANT}/oauth2/v2.0/devicecode"),
        "end_session_endpoint": format!("{base}/{TENANT}/oauth2/v2.0/logout"),
        "jwks_uri": format!("{base}/{TENANT}/discovery/v2.0/keys"),
        "userinfo_endpoint": format!("{base}/oidc/userinfo"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "tenant_region_scope": null,
        "cloud_instance_name": base.split("://").nth(1).unwrap_or(base),
    })
}

fn instance(base: &str) -> Value {
    json!({
        "tenant_discovery_endpoint": format!("{base}/{TENANT}/v2.0/.well-known/openid-configuration"),
        "api-version": "1.1",
        "metadata": [],
    })
}

fn token<R: Rehearsal>(request: &Request<'_>, rehearsal: &R) -> Value {
    let begins = unix_seconds(rehearsal.now());
    let claims = json!({
        "aud": format!("{}/", request.base),
        "iss": format!("{}/{TENANT}/", request.base),
        "tid": TENANT,
        "oid": "22222222-2222-4222-8222-222222222222",
        "appid": "33333333-3333-4333-8333-333333333333",
        "sub": "22222222-2222-4222-8222-222222222222",
        "ver": "1.0",
        "iat": begins,
        "nbf": begins,
        "exp": begins + TOKEN_LASTS,
    });
    let head = json!({ "typ": "JWT", "alg": "none" });
    let encoded = |value: &Value| base64url(value.to_string().as_bytes());
    json!({
        "token_type": "Bearer",
        "expires_in": TOKEN_LASTS,
        "ext_expires_in": TOKEN_LASTS,
        "expires_on": (begins + TOKEN_LASTS).to_string(),
        "access_token": format!("{}.{}.{}", encoded(&head), encoded(&claims), base64url(b"unsigned")),
    })
}

/// Base 64 with the alphabet of URLs, not padded.
fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let value =
            (0..3).fold(0_u32, |value, at| value << 8 | u32::from(chunk.get(at).copied().unwrap_or(0)));
        for at in 0..=chunk.len() {
            text.push(char::from(ALPHABET[(value >> (18 - 6 * at) & 63) as usize]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_encoded_as_web_tokens_are() {
        assert_eq!(base64url(b""), "");
        assert_eq!(base64url(b"f"), "Zg");
        assert_eq!(base64url(b"fo"), "Zm8");
        assert_eq!(base64url(b"foo"), "Zm9v");
        assert_eq!(base64url(&[0xfb, 0xff]), "-_8");
    }
}
