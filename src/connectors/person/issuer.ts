import { ask, done, refused } from '../../kit/answer.ts'
import { type Host, resourceKey } from '../../kit/call.ts'
import { durationOf } from '../../kit/duration.ts'
import type { Credential, Issuer, IssuerTraits } from '../../kit/issuer.ts'
import type { Fields } from '../../kit/secret.ts'
import { taskFrom, type TaskWords } from '../../kit/task.ts'
import { openProbe } from '../../outside/http/index.ts'
import { shapesOf } from '../../outside/shape.ts'
import type { IssuerConfig } from './issuer-schema.ts'
import { goTo } from './place.ts'

/** The id of a credential that is not made yet. A person is never asked to end it. */
const PENDING = 'pending'

/**
 * A provider's console, and a person in front of it. Nothing can be listed there, so nothing is: the engine asks who uses a
 * credential before it asks to end it. What can be seen from here is what `probe` shows.
 */
export function openIssuer(config: IssuerConfig, host: Host): Issuer {
  const { name, at, fields } = config
  const traits = traitsOf(config)
  const about = `${name} at ${at}`
  const probing = openProbe(config.probe, fields, host)
  return {
    traits,
    identity: () => resourceKey('principal', 'person', at, name),
    endpoints: () => probing.endpoints,
    idOf: (given) => idOf(config, given),
    propose: () => ({ id: PENDING, fields: {} }),
    preflight: async (current, _next, call) => {
      if (call.signal.aborted) return refused('DEADLINE', about)
      const meaningful = await probing.prove(current, call)
      if (meaningful.is !== 'done') return meaningful
      return done({ evidence: {}, fenced: false, notices: config.probe === undefined ? ['without `probe` nothing shows that a new credential is accepted, nor that the old one is dead'] : [] })
    },
    observe: async (call) => (call.signal.aborted ? refused('DEADLINE', about) : done({ known: [], complete: false, seenUpTo: 0 })),
    mint: async ({ tag }, call) => {
      if (call.signal.aborted) return refused('DEADLINE', about)
      return ask({ ...taskFrom('mint', config.mint, mintWords(config), { tag }), fields: Object.keys(fields) })
    },
    probe: probing.probe,
    set: async (id, state, call) => {
      if (call.signal.aborted) return refused('DEADLINE', about)
      // Nothing here turns one off, so one that was not ended is on.
      if (state === 'on') return done({ evidence: {} })
      if (state === 'off' || !traits.ends.includes('gone')) return refused('NOT_NOW', `${about} has no ${state}`)
      if (id === PENDING) return done({ evidence: {} })
      return ask(taskFrom('end', config.end ?? {}, endWords(config), { id }))
    },
    // Every probe has a connection of its own.
    close: async () => undefined,
  }
}

function traitsOf({ strategy, fields, slots = 2, settle, derivedLife, lockout, probe, shape }: IssuerConfig): IssuerTraits {
  const overlaps = strategy === 'overlap'
  return {
    value: 'made',
    mint: overlaps ? 'adds' : 'replaces',
    acceptor: probe === undefined ? 'consumers' : 'issuer',
    locate: 'none',
    slots: overlaps ? slots : 1,
    settle: durationOf(settle),
    ends: overlaps ? ['gone'] : [],
    asks: overlaps ? ['mint', 'gone'] : ['mint'],
    fields,
    ...shapesOf(shape, fields),
    ...(lockout === undefined ? {} : { lockout }),
    ...(derivedLife === undefined ? {} : { derivedLife: durationOf(derivedLife) }),
  }
}

/** In one slot there is one credential, whose id is its name. */
function idOf({ name, id }: IssuerConfig, fields: Fields): Credential['id'] | undefined {
  if (id === undefined) return name
  const text = fields[typeof id === 'string' ? id : id.field]?.reveal()
  const found = text === undefined || typeof id === 'string' ? text : new RegExp(id.matches, 'u').exec(text)?.[1]
  return found === '' ? undefined : found
}

function mintWords({ name, at, strategy, fields }: IssuerConfig): TaskWords {
  const handIn = `Answer this task with ${Object.keys(fields).join(', ')}.`
  if (strategy === 'overlap') {
    return { title: `Make ${name} anew`, steps: [...goTo(at), `Make a new one beside the one in use, and leave that as it is. Call it {tag} if it can have a name.`, handIn] }
  }
  return { title: `Replace ${name}`, steps: [...goTo(at), 'Be ready to answer at once: the new one ends the one in use.', 'Replace it.', handIn] }
}

function endWords({ name, at }: IssuerConfig): TaskWords {
  return { title: `End {id}, the old one of ${name}`, steps: [...goTo(at), 'End {id}, and no other.'] }
}
