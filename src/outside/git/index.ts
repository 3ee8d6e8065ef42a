/** One file on a branch of a git repository, read and written through the git program without a work tree. */
export * from './branch.ts'
export * from './remote.ts'
export { tidyScratch } from './scratch.ts'
