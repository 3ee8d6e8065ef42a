import { asAdmin, type Age, type ByHand, filled, type Instruction, type IssuerByHand, showBearer, variable, word } from '../../by-hand/index.ts'
import { trimmed } from '../../outside/http/place.ts'
import type { IssuerConfig } from './manifest.ts'

/** The same requests by curl. */
export default { issuer } satisfies ByHand

/** As a list shows a key: its first twelve and last three characters. */
const labelOf = (age: Age): string => `"\${${variable(age, 'key')}:0:12}...\${${variable(age, 'key')}: -3}"`

function issuer({ url, admin, name, workspace }: IssuerConfig): IssuerByHand {
  const given = filled(admin)
  const where = workspace === undefined ? '' : `&workspace_id=${workspace}`
  return {
    tools: ['curl', 'jq'],
    asks: given.asks,
    prepare: [
      asAdmin('openrouter', trimmed(url), given.word),
      '# LABEL: the key that has it, if there is exactly one',
      `labelled() { for offset in 0 100 200 300 400; do openrouter GET "keys?include_disabled=true&offset=$offset${where}"; done | jq -sc --arg shown "$1" '[.[].data[] | select(.label == $shown)] | if length == 1 then .[0] else empty end'; }`,
    ].join('\n'),
    mint: (age) => [{
      says: `Make a key with the limits of the one in use. It is called \`${name} [by hand DAY TIME]\`. If no answer comes, look for that name, and delete it before you ask again.`,
      run: [
        `body=$(labelled ${labelOf(age === 'NEW' ? 'OLD' : 'NEW')} | jq -c --arg name ${word(`${name} [by hand `)}"$(date -u '+%Y%m%d %H%M%S')]" '{limit, limit_reset, include_byok_in_limit} | with_entries(select(.value != null)) + {name: $name${workspace === undefined ? '' : `, workspace_id: ${JSON.stringify(workspace)}`}}')`,
        `${variable(age, 'key')}=$(openrouter POST keys "$body" | jq -r '.key // empty')`,
        `[ -n "$${variable(age, 'key')}" ] && echo made`,
      ].join('\n'),
      prints: 'made',
    }],
    probe: (age, verdict) => ({ says: `A request with the key is ${verdict}. It uses nothing up.`, run: showBearer(`${trimmed(url)}/key`, `"$${variable(age, 'key')}"`), prints: verdict }),
    set: (age, to): readonly Instruction[] => [{
      says: to === 'gone' ? 'Delete the key.' : to === 'off' ? 'Disable the key; this can be undone.' : 'Let the key in again.',
      run: `hash=$(labelled ${labelOf(age)} | jq -r .hash)\n[ -n "$hash" ] && openrouter ${to === 'gone' ? 'DELETE "keys/$hash"' : `PATCH "keys/$hash" '{"disabled":${to === 'off'}}'`} | jq -e 'has("error") | not' > /dev/null && echo ${to}`,
      prints: to,
    }],
  }
}
