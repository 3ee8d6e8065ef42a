import { createHash } from 'node:crypto'
import { createReadStream, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runProgram } from '../../parts/program.ts'
import { buildRoot } from '../../docker/root.ts'
import { busybox } from '../../docker/system.ts'

/** What every container of the tests is made from: busybox, and the libraries that Node needs. */
export const IMAGE = 'keyturn.test/small:1'

/** Waits until it is told to end: what holds the namespaces of a pod together. */
const HOLD = 'trap "exit 0" TERM; while :; do sleep 3600 & wait $!; done'

/** Makes it in this folder, as an archive of the kind that `docker save` writes. Answers its path. */
export async function buildImage(folder: string): Promise<string> {
  const [made, archive, layer] = [join(folder, 'image'), join(folder, 'image.tar'), await buildRoot(folder)]
  mkdirSync(made)
  const digest = createHash('sha256')
  for await (const chunk of createReadStream(layer)) digest.update(chunk as Buffer)
  renameSync(layer, join(made, 'layer.tar'))
  writeFileSync(join(made, 'config.json'), JSON.stringify({
    architecture: process.arch === 'x64' ? 'amd64' : process.arch, os: 'linux',
    config: { Env: ['PATH=/bin'], Cmd: ['/bin/sh', '-c', HOLD] },
    rootfs: { type: 'layers', diff_ids: [`sha256:${digest.digest('hex')}`] },
  }))
  writeFileSync(join(made, 'manifest.json'), JSON.stringify([{ Config: 'config.json', RepoTags: [IMAGE], Layers: ['layer.tar'] }]))
  const { code, err } = await runProgram(await busybox.bring(), ['tar', '-c', '-f', archive, '-C', made, '.'])
  if (code !== 0) throw new Error(`tar: ${err}`)
  return archive
}
