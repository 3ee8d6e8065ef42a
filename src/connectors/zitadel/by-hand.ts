import { asAdmin, type Age, type ByHand, filled, type IssuerByHand, variable, word } from '../../by-hand/index.ts'
import { trimmed } from '../../outside/http/place.ts'
import type { ApplicationConfig, IssuerConfig, UserConfig } from './manifest.ts'

/** The same requests by curl, and signatures by openssl. */
export default { issuer: (config: IssuerConfig) => (config.user === undefined ? application(config, config.application) : user(config, config.user)) } satisfies ByHand

const TOKEN = '/oauth/v2/token'

function application({ url, admin }: IssuerConfig, of: ApplicationConfig | undefined): IssuerByHand | undefined {
  if (of === undefined) return undefined
  const given = filled(admin)
  const body = JSON.stringify({ projectId: of.project, applicationId: of.id })
  return {
    tools: ['curl', 'jq'],
    asks: given.asks,
    prepare: asAdmin('zitadel', trimmed(url), given.word),
    mint: (age) => [{
      says: 'Have Zitadel make a new client secret. From this moment the old one is refused: go on without a pause. If no answer comes, do it again.',
      run: `${variable(age, 'secret')}=$(zitadel POST zitadel.application.v2.ApplicationService/GenerateClientSecret ${word(body)} | jq -r '.clientSecret // empty')\n[ -n "$${variable(age, 'secret')}" ] && echo made`,
      prints: 'made',
    }],
    probe: (age, verdict) => ({
      says: verdict === 'accepted' ? 'With a code that is none, who proved itself hears about the code.' : 'With a wrong secret Zitadel says `invalid_client`.',
      run: [
        `said=$(printf 'user = %s\\n' "$(json "$(encode ${word(of.client)}):$(encode "$${variable(age, 'secret')}")")" | curl -sS -m 10 -K - -d grant_type=authorization_code -d code=by-hand -d redirect_uri=https://by-hand.invalid ${word(`${trimmed(url)}${TOKEN}`)} | jq -r .error)`,
        'case $said in invalid_grant | invalid_request) echo accepted ;; invalid_client) echo rejected ;; *) echo "$said" ;; esac',
      ].join('\n'),
      prints: verdict,
    }),
  }
}

function user({ url, admin }: IssuerConfig, { id }: UserConfig): IssuerByHand {
  const given = filled(admin)
  const keyId = (age: Age): string => `$(printf %s "$${variable(age, 'secret')}" | jq -r .keyId)`
  return {
    tools: ['curl', 'jq', 'openssl'],
    asks: given.asks,
    prepare: [
      asAdmin('zitadel', trimmed(url), given.word),
      'url64() { base64 | tr -d "=\\n" | tr "+/" "-_"; }',
      '# FILE: what a service account shows for a token. The key goes to openssl in a pipe.',
      'assertion() {',
      '  local now head claims; now=$(date +%s)',
      '  head=$(printf \'{"alg":"RS256","typ":"JWT","kid":"%s"}\' "$(printf %s "$1" | jq -r .keyId)" | url64)',
      `  claims=$(printf '{"iss":"%s","sub":"%s","aud":"%s","iat":%s,"exp":%s}' ${word(id)} ${word(id)} ${word(trimmed(url))} "$now" "$((now + 60))" | url64)`,
      '  printf %s.%s.%s "$head" "$claims" "$(printf %s.%s "$head" "$claims" | openssl dgst -sha256 -sign <(printf %s "$1" | jq -r .key) | url64)"',
      '}',
    ].join('\n'),
    mint: (age) => [{
      says: 'Have Zitadel make one more key of the service account. It is shown this once. If no answer comes, look which key is new there, and remove it before you ask again.',
      run: `${variable(age, 'secret')}=$(zitadel POST zitadel.user.v2.UserService/AddKey ${word(JSON.stringify({ userId: id }))} | jq -r '.keyContent // empty' | base64 -d)\n[ -n "$${variable(age, 'secret')}" ] && echo made`,
      prints: 'made',
    }],
    probe: (age, verdict) => ({
      says: `Zitadel ${verdict === 'accepted' ? 'gives an access token for it' : 'gives no access token for it (an older one says `server_error` here: then see that the key is not listed any more)'}.`,
      run: [
        `said=$(printf 'data-urlencode = %s\\n' "$(json "assertion=$(assertion "$${variable(age, 'secret')}")")" | curl -sS -m 10 -K - -d grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer -d scope=openid ${word(`${trimmed(url)}${TOKEN}`)} | jq -r 'if has("access_token") then "accepted" else .error end')`,
        'case $said in accepted) echo accepted ;; invalid_grant | invalid_client) echo rejected ;; *) echo "$said" ;; esac',
      ].join('\n'),
      prints: verdict,
    }),
    set: (age, to) => (to !== 'gone' ? [] : [{
      says: 'Remove the key. This cannot be undone.',
      run: `zitadel POST zitadel.user.v2.UserService/RemoveKey "{\\"userId\\":\\"${id}\\",\\"keyId\\":\\"${keyId(age)}\\"}" | jq -e 'has("code") | not' > /dev/null && echo gone`,
      prints: 'gone',
    }]),
  }
}
