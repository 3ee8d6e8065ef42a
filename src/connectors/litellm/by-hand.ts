import { asAdmin, type Age, type ByHand, filled, type Instruction, type IssuerByHand, showBearer, variable, word } from '../../by-hand/index.ts'
import { trimmed } from '../../outside/http/place.ts'
import type { IssuerConfig } from './manifest.ts'

/** The same requests by curl. What a key may do is taken over from the one in use, as record.ts has it. */
export default { issuer } satisfies ByHand

const KEPT = ['models', 'team_id', 'user_id', 'organization_id', 'budget_id', 'max_budget', 'budget_duration', 'tpm_limit', 'rpm_limit', 'max_parallel_requests', 'metadata', 'aliases', 'permissions', 'allowed_routes']

/** What LiteLLM itself calls a key by. */
const hashOf = (age: Age): string => `$(printf %s "$${variable(age, 'key')}" | sha256sum | cut -d' ' -f1)`

function issuer({ url, nodes, admin, alias, duration }: IssuerConfig): IssuerByHand {
  const given = filled(admin)
  return {
    tools: ['curl', 'jq'],
    asks: given.asks,
    prepare: asAdmin('litellm', trimmed(url), given.word),
    mint: (age) => [{
      says: `Make a key with the rights of the one in use. It is called \`${alias}/by-hand-DAY-TIME\`. If no answer comes, look for that alias, and delete it before you ask again.`,
      run: [
        `like=$(litellm GET "key/info?key=${hashOf(age === 'NEW' ? 'OLD' : 'NEW')}" | jq -c ${word(`.info | {${KEPT.join(', ')}} | with_entries(select(.value != null and .value != {} and .value != []))`)})`,
        `body=$(printf %s "$like" | jq -c --arg alias ${word(`${alias}/by-hand-`)}"$(date -u +%Y%m%d-%H%M%S)" '. + {key_alias: $alias${duration === undefined ? '' : `, duration: ${JSON.stringify(duration)}`}}')`,
        `${variable(age, 'key')}=$(litellm POST key/generate "$body" | jq -r '.key // empty')`,
        `[ -n "$${variable(age, 'key')}" ] && echo made`,
      ].join('\n'),
      prints: 'made',
    }],
    probe: (age, verdict) => ({
      says: `A request with the key is ${verdict}${verdict === 'rejected' ? '. A team that is blocked is rejected as well: the other key has to be accepted at the same moment' : ''}.`,
      run: (nodes ?? [url]).map((base) => showBearer(`${trimmed(base)}/v1/models`, `"$${variable(age, 'key')}"`)).join('\n'),
      prints: verdict,
    }),
    set: (age, to): readonly Instruction[] => {
      const [path, word_] = to === 'gone' ? ['key/delete', 'gone'] : to === 'off' ? ['key/block', 'off'] : ['key/unblock', 'on']
      return [{
        says: to === 'gone' ? 'Delete the key.' : to === 'off' ? 'Block the key; this can be undone.' : 'Let the key in again.',
        run: `hash=${hashOf(age)}\nlitellm POST ${path} ${to === 'gone' ? '"{\\"keys\\":[\\"$hash\\"]}"' : '"{\\"key\\":\\"$hash\\"}"'} | jq -e 'has("error") | not' > /dev/null && echo ${word_}`,
        prints: word_,
      }]
    },
  }
}
