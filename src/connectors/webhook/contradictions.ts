import { type Contradiction, contradictionsIn, contradictionsInProbe, placeholdersIn, type RequestConfig } from '../../outside/http/index.ts'
import { contradictionsInShapes } from '../../outside/shape.ts'
import type { IssuerConfig } from './issuer-schema.ts'

/** What each strategy needs the provider to do. */
const MINT_OF = { overlap: 'adds', 'in-place': 'replaces', 'hard-cut': 'replaces', 'provider-managed': 'triggers' } as const

/** What each part of the configuration says that the rest does not bear out. */
export function contradictionsOf(config: IssuerConfig): readonly Contradiction[] {
  return [...ofTraits(config), ...ofEnds(config), ...ofPeople(config), ...ofFields(config), ...ofAnswers(config), ...ofRequests(config), ...contradictionsInShapes(config.shape, config.fields)]
}

/** The request; undefined where there is none, or a person does it. */
function requestOf(described: IssuerConfig['mint'] | IssuerConfig['gone']): RequestConfig | undefined {
  return described === undefined || 'ask' in described ? undefined : described
}

function* ofTraits({ strategy, traits, list, mint, collect, probe }: IssuerConfig): Iterable<Contradiction> {
  const at = (key: string, message: string): Contradiction => ({ path: ['traits', key], message })
  const fitting = Object.entries(MINT_OF).flatMap(([name, way]) => (way === traits.mint ? [`\`${name}\``] : []))
  if (MINT_OF[strategy] !== traits.mint) {
    yield { path: ['strategy'], message: `${fitting.join(' or ')}: that is what \`mint: ${traits.mint}\` can carry out` }
  }
  if ((traits.value === 'chosen') !== (traits.locate === 'value')) {
    yield at('locate', traits.value === 'chosen' ? '`value`: a chosen value is found by itself' : '`tag`, `baseline` or `none`: nobody else knows a made value')
  }
  if (traits.locate === 'tag' && traits.mint !== 'triggers' && (list?.item.tag === undefined || !keepsTag(mint))) {
    yield at('locate', '`{tag}` in what `mint` has the provider keep and `item.tag` in `list`, or another way than `tag`')
  }
  if (traits.locate === 'baseline' && (list === undefined || list.complete === false)) yield at('locate', 'a complete `list`, or another way than `baseline`')
  if (traits.mint === 'adds' && (traits.slots ?? 1) < 2) yield at('slots', 'how many can be on at once, 2 or more')
  if (traits.mint === 'replaces' && (traits.slots ?? 1) > 1) yield at('slots', '1: the next one replaces the one that there is')
  if (traits.mint === 'triggers' && traits.value === 'chosen') yield at('value', '`made`: the provider makes what it rotates itself')
  if ((traits.mint === 'triggers') !== (collect !== undefined)) {
    yield { path: ['collect'], message: traits.mint === 'triggers' ? 'the request that takes what the rotation brought' : 'nothing: only `mint: triggers` is collected' }
  }
  if ((traits.acceptor === 'issuer') !== (probe !== undefined)) {
    yield { path: ['probe'], message: probe === undefined ? 'the request that shows a credential' : 'nothing: with `acceptor: consumers` only they can tell' }
  }
}

function* ofEnds({ traits, list, off, on, gone }: IssuerConfig): Iterable<Contradiction> {
  if ((off === undefined) !== (on === undefined)) yield { path: [off === undefined ? 'off' : 'on'], message: '`off` and `on` together: what is off can be turned on again' }
  if ((off ?? gone) !== undefined && traits.mint === 'replaces') yield { path: [off === undefined ? 'gone' : 'off'], message: 'nothing: the next one ends the one that there is' }
  // A person who ends one looks first whether it is in use.
  const ends = requestOf(off) ?? requestOf(gone)
  if (ends !== undefined && list === undefined) yield { path: ['list'], message: 'the request that lists credentials: without it nobody sees whether one is in use before it is ended' }
  if (ends !== undefined && list?.complete === false) yield { path: ['list', 'complete'], message: '`true`, or the fields of the answer that say so: an old credential is ended only when the list is known to be whole' }
}

/** An idempotency header is forgotten after some hours, and no list shows it. */
function keepsTag(mint: IssuerConfig['mint']): boolean {
  if ('ask' in mint) return mint.ask.steps.some((step) => step.includes('{tag}'))
  const kept = Object.entries(mint.headers ?? {}).filter(([name]) => !/idempotency/i.test(name))
  return placeholdersIn({ ...mint, headers: Object.fromEntries(kept) }).includes('tag')
}

function* ofPeople({ traits, mint }: IssuerConfig): Iterable<Contradiction> {
  if (!('ask' in mint)) return
  if (traits.value === 'chosen') yield { path: ['mint'], message: 'a request: a value that is chosen here is shown to nobody' }
  if (traits.mint === 'triggers') yield { path: ['mint'], message: 'a request: a rotation that a person starts is awaited by nobody; `adds` or `replaces` where a person does it all' }
}

function* ofFields({ fields, id, traits, list }: IssuerConfig): Iterable<Contradiction> {
  if (!Object.values(fields).includes('secret')) yield { path: ['fields'], message: 'one field at least that is `secret`' }
  if (fields['id'] === 'secret') yield { path: ['fields', 'id'], message: '`plain`: the id stands in URLs and in the journal' }
  if ('tag' in fields) yield { path: ['fields', 'tag'], message: 'another name: `{tag}` is the attempt' }
  if (id !== undefined && fields[id.field] === undefined) yield { path: ['id', 'field'], message: `one of ${Object.keys(fields).join(', ')}` }
  if (id !== undefined && 'id' in fields) yield { path: ['id'], message: 'nothing: the field `id` is the id' }
  if (id !== undefined && (id.sha256 === undefined) === (id.matches === undefined)) yield { path: ['id'], message: '`sha256` or `matches`, one of them' }
  if (id === undefined && !('id' in fields) && traits.mint === 'adds') {
    yield { path: ['id'], message: 'how a credential tells its id, or a field `id`: two that are on at once have two ids' }
  }
  if ((id !== undefined || 'id' in fields) !== (list?.item.id !== undefined) && list !== undefined) {
    yield { path: ['list', 'item', 'id'], message: list.item.id === undefined ? 'the path of the id' : 'nothing: without a field `id` or a way to tell it the id is the name of the principal' }
  }
  if (traits.value === 'chosen' && id?.matches !== undefined) yield { path: ['id', 'matches'], message: '`sha256`, or a field `id`: a random value holds no id' }
}

function* ofAnswers({ fields, id, traits, mint, collect }: IssuerConfig): Iterable<Contradiction> {
  if ('ask' in mint) return
  const [answer, at] = traits.mint === 'triggers' ? [collect?.answer, 'collect'] : [mint.answer, 'mint']
  if ((traits.value === 'chosen' || traits.mint === 'triggers') && mint.answer !== undefined) {
    yield { path: ['mint', 'answer'], message: traits.value === 'chosen' ? 'nothing: the value is chosen here' : 'nothing: `collect` takes what the rotation brought' }
  }
  if (traits.value === 'chosen') return
  if (answer === undefined) {
    if (at === 'mint') yield { path: ['mint', 'answer'], message: 'where the credential stands in the answer' }
    return
  }
  const missing = Object.keys(fields).find((name) => name !== 'id' && answer.fields[name] === undefined)
  if (missing !== undefined) yield { path: [at, 'answer', 'fields'], message: `the path of \`${missing}\` too` }
  const strange = Object.keys(answer.fields).find((name) => name === 'id' || fields[name] === undefined)
  if (strange !== undefined) yield { path: [at, 'answer', 'fields', strange], message: strange === 'id' ? '`id` beside `fields`' : 'a name that `fields` of the issuer declares' }
  if (answer.id === undefined && 'id' in fields && id === undefined) yield { path: [at, 'answer', 'id'], message: 'the path of the id' }
}

function* ofRequests(config: IssuerConfig): Iterable<Contradiction> {
  const { fields, traits, mint, collect, list, off, on, gone, probe } = config
  const minting = requestOf(mint)
  const may: readonly (readonly [string, RequestConfig | undefined, readonly string[]])[] = [
    ['mint', minting, traits.value === 'chosen' ? ['tag', 'id', ...Object.keys(fields)] : ['tag']],
    ['collect', collect, ['tag']],
    ['list', list, []],
    ['off', requestOf(off), ['id']],
    ['on', requestOf(on), ['id']],
    ['gone', requestOf(gone), ['id']],
  ]
  for (const [name, request, known] of may) {
    if (request === undefined) continue
    for (const { path, message } of contradictionsIn(request, known)) yield { path: [name, ...path], message }
    const used = placeholdersIn(request)
    if (['off', 'on', 'gone'].includes(name) && !used.includes('id')) yield { path: [name], message: '`{id}`: which credential is meant' }
    if (name === 'collect' && !used.includes('tag')) yield { path: [name], message: '`{tag}`: which rotation is meant' }
  }
  if (probe !== undefined) for (const { path, message } of contradictionsInProbe(probe, fields)) yield { path: ['probe', ...path], message }
  const secrets = Object.keys(fields).filter((name) => fields[name] === 'secret')
  const unsent = traits.value === 'chosen' && minting !== undefined ? secrets.find((name) => !placeholdersIn(minting).includes(name)) : undefined
  if (unsent !== undefined) yield { path: ['mint'], message: `\`{${unsent}}\` in a header or the body: the provider has to learn the value` }
}
