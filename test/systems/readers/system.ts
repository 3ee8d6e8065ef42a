import { debianProgram } from '../parts/debian.ts'
import { goProgram } from '../parts/go.ts'
import { pypiPackage } from '../parts/pypi.ts'
import type { System } from '../system.ts'

export const compose = goProgram({
  title: 'docker compose 5.5.1', name: 'docker-compose', package: 'github.com/docker/compose/v5/cmd', version: 'v5.5.1',
})
/** The rules changed in 1.2.0, 1.2.3 and 1.2.4; all of these are in use. */
export const pythonDotenv = ['1.1.1', '1.2.2', '1.2.4'].map((version) => pypiPackage('python-dotenv', version))
/** Three shells that people have as `sh`: Debian's, the one of most logins, and that of small containers. */
export const shells = { dash: debianProgram('dash'), bash: debianProgram('bash'), busybox: debianProgram('busybox') }

export default {
  says: 'the readers of the dotenv store read what docker compose, dotenv, python-dotenv and shells read',
  runs: {
    'compose.test.ts': [compose],
    'node.test.ts': [],
    'python.test.ts': pythonDotenv,
    'sh.test.ts': Object.values(shells),
  },
} satisfies System
