;; Attack guest: asks for more than the contract has. The test writes each forbidden name for NAME.
(component (import "NAME" (instance (export "get" (func (result u64))))))
