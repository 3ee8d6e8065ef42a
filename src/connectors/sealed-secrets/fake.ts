import { type FaultyHttp, startFaultyHttp } from '../../testing/faulty-http.ts'
import { type Followed, PretendedCluster } from './provider.ts'
import { gitServer, isPush } from './provider-git.ts'

/** A git server, and a cluster that follows what is in it. */
export interface FakeForge {
  /** Its repositories stand below its URL; faults meet pushes. */
  readonly git: FaultyHttp
  /** The API of the cluster, and the controller's own on the same URL. */
  readonly api: FaultyHttp
  readonly cluster: PretendedCluster
  close(): Promise<void>
}

export interface FakeForgeOptions {
  /** The folder of the bare repositories. */
  readonly root: string
  /** What git has to show; nothing when absent. */
  readonly token?: string
  /** Connections to git are kept from request to request, as most servers do. */
  readonly kept?: boolean
  readonly followed: Followed
}

/** Starts both on free ports. The repository is git's own, so that what git does about a push is what git does. */
export async function startFakeForge({ root, followed, ...how }: FakeForgeOptions): Promise<FakeForge> {
  const cluster = new PretendedCluster(followed)
  const git = await startFaultyHttp({ answer: gitServer(root, how), isEffect: isPush })
  const api = await startFaultyHttp({
    answer: ({ method, url, body }) => cluster.answer(method, new URL(url, 'http://api').pathname, body.toString()),
    isEffect: ({ method }) => method === 'PATCH',
  })
  return {
    git, api, cluster,
    async close() {
      await git.close()
      await api.close()
    },
  }
}
