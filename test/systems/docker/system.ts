import { debianProgram } from '../parts/debian.ts'
import { Missing, type Part } from '../parts/part.ts'
import { compose } from '../readers/system.ts'
import type { System } from '../system.ts'

const installed = debianProgram('dockerd', 'docker.io')

/** The daemon, which the tests start by themselves, beside any other. */
export const dockerd: Part = {
  title: installed.title,
  async bring() {
    if (process.getuid?.() !== 0) throw new Missing('it runs containers for root only')
    return installed.bring()
  },
}
export const docker = debianProgram('docker', 'docker.io')
export const busybox = debianProgram('busybox')
/** The last one in Python, still in use where nobody moved on. */
export const composeOne = debianProgram('docker-compose')
/** The one in Go, as a plugin of `docker`. */
export const composeTwo = compose

export default {
  says: 'containers are recreated with the environment of now, by both generations of compose and by the Engine API alone',
  runs: {
    'container.test.ts': [dockerd, docker, busybox],
    'compose-one.test.ts': [dockerd, docker, busybox, composeOne],
    'compose-two.test.ts': [dockerd, docker, busybox, composeTwo],
    'load.test.ts': [dockerd, docker, busybox, composeTwo],
  },
} satisfies System
