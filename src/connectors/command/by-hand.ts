import { type Age, type ByHand, type CheckByHand, type ConsumerByHand, environment, fits, type IssuerByHand, toolsOf, variable, word, words } from '../../by-hand/index.ts'
import { durationOf } from '../../kit/duration.ts'
import { fillArgv } from '../../outside/process/argv.ts'
import type { CheckConfig, ConsumerConfig, IssuerConfig } from './manifest.ts'

/** The commands themselves, as keyturn runs them. */
export default { issuer, consumer, check } satisfies ByHand

function issuer(config: IssuerConfig): IssuerByHand {
  const { principal, apply, probe, length, alphabet } = config
  const handed = (age: Age): string => `printf '{"id":%s,"fields":{"user":%s,"password":%s}}\\n' "$(json ${word(principal)})" "$(json ${word(principal)})" "$(json "$${variable(age, 'password')}")"`
  return {
    asks: environment(config.env).asks,
    propose: {
      says: `Make a new password of ${length} characters. Run this once.`,
      run: `NEW_PASSWORD=$(LC_ALL=C tr -dc ${word(alphabet.replaceAll(/[\\\]^-]/g, String.raw`\$&`))} < /dev/urandom | head -c ${length})\n[ "\${#NEW_PASSWORD}" = ${length} ] && echo made`,
      prints: 'made',
    },
    mint: (age) => [{ says: 'Replace the password; the command gets it on its standard input.', run: `${handed(age)} | ${line(apply, config)} > /dev/null && echo replaced`, prints: 'replaced' }],
    probe: (age, verdict) => ({
      says: `A fresh login is ${verdict}.`,
      run: `${handed(age)} | ${line(probe, config)} > /dev/null\ncase $? in 0) echo accepted ;; ${config.rejectedExit}) echo rejected ;; *) echo inconclusive ;; esac`,
      prints: verdict,
    }),
  }
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
function line(argv: readonly string[], { cwd, env }: Pick<CheckConfig, 'cwd' | 'env'>): string {
  const command = `${environment(env).words}${words(argv)}`
  return cwd === undefined ? command : `(cd ${word(cwd)} && ${command})`
}
