export { openNotifier } from './notifier.ts'
