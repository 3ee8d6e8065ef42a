import { type Age, type ByHand, type CheckByHand, type ConsumerByHand, environment, fits, type Instruction, type IssuerByHand, toolsOf, variable, word, words } from '../../by-hand/index.ts'
import { durationOf } from '../../kit/duration.ts'
import { fillArgv } from '../../outside/process/argv.ts'
import type { IssuerConfig } from './issuer-schema.ts'
import type { CheckConfig, ConsumerConfig } from './manifest.ts'

/** The commands themselves, as keyturn runs them. */
export default { issuer, consumer, check } satisfies ByHand

function issuer(config: IssuerConfig): IssuerByHand {
  const { asks } = environment(config.env)
  const probe = (age: Age, verdict: 'accepted' | 'rejected'): Instruction => ({
    says: `A fresh login is ${verdict}.`,
    run: `${commandFor(config, config.probe, age)} > /dev/null\ncase $? in 0) echo accepted ;; ${config.rejectedExit}) echo rejected ;; *) echo inconclusive ;; esac`,
    prints: verdict,
  })
  return config.strategy === 'overlap' ? { asks, ...beside(config), probe } : { asks, ...inPlace(config), probe }
}

function inPlace(config: IssuerConfig): Pick<IssuerByHand, 'propose' | 'mint'> {
  const { apply = [], asks, length, alphabet } = config
  return {
    propose: {
      says: `Make a new password of ${length} characters. Run this once.`,
      run: `NEW_PASSWORD=$(LC_ALL=C tr -dc ${word(alphabet.replaceAll(/[\\\]^-]/g, String.raw`\$&`))} < /dev/urandom | head -c ${length})\n[ "\${#NEW_PASSWORD}" = ${length} ] && echo made`,
      prints: 'made',
    },
    mint: (age) => asks === undefined
      ? [{ says: `Replace the password; the command gets it ${handed(apply) ? 'as an argument, where everybody on this machine can see it while it runs' : 'on its standard input'}.`, run: `${commandFor(config, apply, age)} > /dev/null && echo replaced`, prints: 'replaced' }]
      : [{ says: `Replace the password. The command asks on the terminal, ${asks.map(({ prompt }) => `\`${prompt}\``).join(', then ')}: \`printf '%s\\n' "$${variable(age, 'password')}"\` before it shows what to type.`, run: `${line(apply, config)} && echo replaced`, prints: 'replaced' }],
  }
}

function beside(config: IssuerConfig): Pick<IssuerByHand, 'tools' | 'mint' | 'set'> {
  const { mint = [], revoke = [], answer = 'text' } = config
  const at = (name: string, path: string): string => `NEW_${name}=$(jq -er ${word(`getpath(${JSON.stringify(path.split('.'))})`)} <<< "$said")`
  const read = answer === 'text' ? ['NEW_PASSWORD=$said'] : [at('PASSWORD', answer.password), ...(answer.user === undefined ? [] : [at('USER', answer.user)])]
  return {
    tools: answer === 'text' ? [] : ['jq'],
    mint: () => [{
      says: 'Make a new one beside the one in use. What is printed goes into variables and is not shown. Run this once.',
      run: [`said=$(${line(fillArgv(mint, { tag: ['by-hand'] }), config)} < /dev/null)`, ...read, 'unset said', '[ -n "$NEW_PASSWORD" ] && echo made'].join('\n'),
      prints: 'made',
    }],
    set: (age, to) => (to === 'gone' ? [{ says: 'End it for good; it may be repeated.', run: `${commandFor(config, revoke, age)} > /dev/null && echo ended`, prints: 'ended' }] : []),
  }
}

const handed = (argv: readonly string[]): boolean => argv.some((each) => each.includes('{password}'))

/** The command with the credential, as keyturn gives it: on standard input, or where `argv: acknowledged` says so among its words. */
function commandFor(config: IssuerConfig, argv: readonly string[], age: Age): string {
  const user = config.strategy === 'in-place' ? word(config.principal) : config.answer !== undefined && config.answer !== 'text' && config.answer.user !== undefined ? `"$${variable(age, 'user')}"` : ''
  const password = `"$${variable(age, 'password')}"`
  const id = user === '' ? `"$(printf %s ${password} | sha256sum | cut -c 1-16)"` : user
  const places: Readonly<Record<string, string>> = { user, password, id }
  const text = argv.map((each) => each.split(/(\{(?:user|password|id)\})/).filter((part) => part !== '').map((part) => places[/^\{(\w+)\}$/.exec(part)?.[1] ?? ''] ?? word(part)).join('')).join(' ')
  const command = within(text, config)
  if (handed(argv)) return `${command} < /dev/null`
  const fields = [...(user === '' ? [] : [['user', user]]), ['password', password]]
  return `printf '{"id":%s,"fields":{${fields.map(([name = '']) => `"${name}":%s`).join(',')}}}\\n' ${[id, ...fields.map(([, value = '']) => value)].map((value) => `"$(json ${value})"`).join(' ')} | ${command}`
}

function consumer(config: ConsumerConfig): ConsumerByHand {
  const ready = Object.values(config.ready ?? {})
  const limit = Math.ceil(durationOf(config.readyWithin) / 1_000)
  return {
    tools: ready.length > 0 ? ['curl'] : [],
    asks: environment(config.env).asks,
    reload: () => [
      {
        says: `Restart ${config.services.map((name) => `\`${name}\``).join(', ')}. Go on only when they are ready.`,
        run: `if ${[`${line(fillArgv(config.run, { services: config.services }), config)} < /dev/null`, ...ready.map((url) => `within ${limit} curl -fsS -m 5 -o /dev/null ${word(url)}`)].join(' && ')}; then echo ready; else echo 'not ready'; fi`,
        prints: 'ready',
      },
    ],
  }
}

function check(config: CheckConfig): CheckByHand {
  const { exit, stdout } = config.expect
  return {
    tools: toolsOf(stdout),
    asks: environment(config.env).asks,
    passes: (as, fields) => {
      const given = config.credential === undefined || as === undefined
        ? '< /dev/null'
        : `< <(printf '{"fields":{%s}}\\n' "${fields.map((name) => `$(json ${word(name)}):$(json "$${variable(as, name)}")`).join(',')}")`
      return `{ said=$(${line(config.run, config)} ${given}); [ $? = ${exit} ] && ${fits(stdout)}; }`
    },
  }
}

/** In its folder, with its variables. */
function line(argv: readonly string[], surroundings: Pick<CheckConfig, 'cwd' | 'env'>): string {
  return within(words(argv), surroundings)
}

function within(text: string, { cwd, env }: Pick<CheckConfig, 'cwd' | 'env'>): string {
  const command = `${environment(env).words}${text}`
  return cwd === undefined ? command : `(cd ${word(cwd)} && ${command})`
}
