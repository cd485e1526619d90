"""Running code through the shell: cells, expressions, files and commands.

It must never run anything that the commit of the cell does not see.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from holdfast.compat.ipython import current
from holdfast.compat.ipython.failing import ShowsErrors
from holdfast.compat.ipython.values import ExecutionInfo, ExecutionResult
from holdfast.output import display

__all__ = ["RunsCode"]


class RunsCode(ShowsErrors):
    """The shell's methods that run something, or set variables."""

    last_execution_result: ExecutionResult | None = None

    @property
    def last_execution_succeeded(self) -> bool:
        """Whether the last `run_cell` raised nothing."""
        return self.last_execution_result is None or self.last_execution_result.success

    def run_cell(
        self,
        raw_cell: str,
        store_history: bool = False,
        silent: bool = False,
        shell_futures: bool = True,
        cell_id: str | None = None,
        cell_meta: Any = None,
    ) -> ExecutionResult:
        """Run code as a part of the running cell: its last value is shown, and so is what it raises."""
        result = self._begun(raw_cell, store_history, silent, cell_id, cell_meta)
        try:
            value = current.kernel().run(raw_cell)
        except (Exception, KeyboardInterrupt) as error:
            return self._failed(result, error)
        return self._done(result, value)

    async def run_cell_async(
        self,
        raw_cell: str,
        store_history: bool = False,
        silent: bool = False,
        shell_futures: bool = True,
        *,
        transformed_cell: str | None = None,
        preprocessing_exc_tuple: object = None,
        cell_id: str | None = None,
        cell_meta: Any = None,
    ) -> ExecutionResult:
        """The same for code that may use `await`."""
        result = self._begun(raw_cell, store_history, silent, cell_id, cell_meta)
        try:
            value = await current.kernel().run_async(raw_cell)
        except (Exception, KeyboardInterrupt, asyncio.CancelledError) as error:
            return self._failed(result, error)
        return self._done(result, value)

    def should_run_async(self, raw_cell: str, **kwargs: object) -> bool:
        """Whether code has `await` at top level."""
        import ast
        import inspect

        try:
            code = compile(current.edges().lower(raw_cell), "<cell>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        except (SyntaxError, ValueError):
            return False
        return bool(code.co_flags & inspect.CO_COROUTINE)

    def _begun(
        self, raw_cell: str, store_history: bool, silent: bool, cell_id: str | None, meta: Any
    ) -> ExecutionResult:
        info = ExecutionInfo(raw_cell, store_history, silent, cell_id=cell_id, cell_meta=meta)
        return ExecutionResult(info, current.edges().execution_count())

    def _done(self, result: ExecutionResult, value: object) -> ExecutionResult:
        result.result, self.last_execution_result = value, result
        if value is not None and not result.info.silent:
            kernel = current.kernel()
            data, metadata = kernel.formatters.format(value)
            if data and display.is_diverted():
                display.publish_display_data(data, metadata)
            elif data:
                content = {"execution_count": result.execution_count, "data": data, "metadata": metadata}
                kernel.publish("execute_result", content)
        return result

    def _failed(self, result: ExecutionResult, error: BaseException) -> ExecutionResult:
        if isinstance(error, SyntaxError):
            result.error_before_exec = error
        else:
            result.error_in_exec = error
        self.last_execution_result = result
        if not result.info.silent:
            self.showtraceback((type(error), error, error.__traceback__))
        return result

    def ev(self, expr: str) -> Any:
        """The value of an expression; raises what it raises."""
        return current.kernel().run(expr.strip())

    def ex(self, cmd: str) -> None:
        """Run statements; raises what they raise."""
        current.kernel().run(cmd)

    def push(self, variables: str | Iterable[str] | Mapping[str, object], interactive: bool = True) -> None:
        """Set the user's variables: from a mapping, or by names from where it is called."""
        kernel = current.kernel()
        if not isinstance(variables, Mapping):
            names = variables.split() if isinstance(variables, str) else list(variables)
            frame = sys._getframe(1)
            scope = {**frame.f_globals, **frame.f_locals}
            for name in [name for name in names if name not in scope]:
                print(f"Could not get variable {name} from {frame.f_code.co_name}", file=sys.stderr)
            variables = {name: scope[name] for name in names if name in scope}
        kernel.namespace.update(variables)
        kernel.touched(*variables)

    def drop_by_id(self, variables: Mapping[str, object]) -> None:
        """Delete variables that are still what the mapping says."""
        kernel = current.kernel()
        dropped = [name for name, value in variables.items() if kernel.namespace.get(name, kernel) is value]
        for name in dropped:
            del kernel.namespace[name]
        if dropped:
            kernel.touched()

    def del_var(self, varname: str, by_name: bool = False) -> None:
        """Delete a variable; with its references in `Out` unless `by_name`.  NameError: there is none."""
        current.kernel().magics("xdel", ("-n " if by_name else "") + varname)

    def reset(self, new_session: bool = True, aggressive: bool = False) -> None:
        """Delete all the user's variables."""
        current.kernel().magics("reset", "-f")

    def safe_execfile(
        self,
        fname: str | os.PathLike[str],
        *where: dict[str, Any],
        exit_ignore: bool = False,
        raise_exceptions: bool = False,
        shell_futures: bool = False,
    ) -> None:
        """Run a Python file in the given dicts (globals, locals), else in the user's; what it raises is shown."""
        path = os.path.abspath(os.path.expanduser(fname))
        kernel = current.kernel()
        variables = where[0] if where else kernel.namespace
        try:
            with open(path, "rb") as file:
                exec(compile(file.read(), path, "exec", dont_inherit=True), variables, *where[1:])
        except SystemExit as error:
            if error.code not in (None, 0) and not exit_ignore:
                self.showtraceback((SystemExit, error, error.__traceback__))
        except Exception as error:
            if raise_exceptions:
                raise
            self.showtraceback((type(error), error, error.__traceback__))
        finally:
            kernel.touched()

    def system(self, cmd: str) -> None:
        """Run a command of the shell, as `!cmd` does; `_exit_code` is set."""
        self._commands().system(self.var_expand(cmd))

    system_raw = system_piped = system

    def getoutput(self, cmd: str, split: bool = True, depth: int = 0) -> Any:
        """What a command of the shell prints, as `x = !cmd` gives it; one text without `split`."""
        lines = self._commands().output(self.var_expand(cmd))
        return lines if split else "\n".join(lines)

    @staticmethod
    def _commands() -> Any:
        from holdfast.magics.shell import Shell

        return Shell(current.kernel())

    def var_expand(self, cmd: str, depth: int = 0, formatter: object = None) -> str:
        """`{name}` and `$name` in a text filled in with the user's variables."""
        from holdfast.magics.expand import expand, variables_of_caller

        return expand(cmd, variables_of_caller(current.kernel().namespace))

    def user_expressions(self, expressions: Mapping[str, str]) -> dict[str, Any]:
        """Each expression as `user_expressions` of a reply has it."""
        kernel, found = current.kernel(), {}
        for name, text in expressions.items():
            try:
                data, metadata = kernel.formatters.format(eval(text, kernel.namespace))
                found[name] = {"status": "ok", "data": data, "metadata": metadata}
            except Exception as error:
                lines = list(kernel.report(error))
                found[name] = {
                    "status": "error",
                    "ename": type(error).__name__,
                    "evalue": str(error),
                    "traceback": lines,
                }
        return found
