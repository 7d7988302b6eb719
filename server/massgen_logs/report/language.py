"""The languages of a report: headings, table headers and fixed sentences in English and Simplified Chinese.

English text is the key: `Say("zh")("None.")` is its Chinese, and a text without an entry stays as it is. Measured parts,
ids, labels and quoted words are never translated. Headings are those of the skill's template, which has both languages.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LANGUAGES = ("en", "zh")
MARK = "[[JUDGE: "
"""Opens a place that the analysing agent must fill, in either language; `]]` closes it."""

_HEADINGS = {
    "MassGen Log Analysis Report": "MassGen 日志分析报告", "Executive Summary": "执行摘要", "Session Overview": "会话概述",
    "1. Correctness Analysis": "1. 正确性分析", "Coordination Flow": "协调流程", "Status": "状态", "Issues Found": "发现的问题",
    "2. Efficiency Analysis": "2. 效率分析", "Phase Duration Breakdown": "阶段时长分布", "Top Bottlenecks": "主要瓶颈",
    "3. Command Pattern Analysis": "3. 命令模式分析", "Frequently Repeated Commands": "频繁重复的命令",
    "Commands with Excessive Output": "输出过大的命令", "Slowest Command Patterns": "最慢的命令模式",
    "4. Work Duplication Analysis": "4. 工作重复分析", "Duplicated Work Found": "发现的重复工作", "Specific Examples": "具体示例",
    "Recommendations": "建议", "5. Agent Behavior Analysis": "5. Agent行为分析", "Answer Progression": "答案演进",
    "Voting Analysis": "投票分析", "Vote vs New Answer Decisions": "投票 vs 新答案决策",
    "Agent Collaboration Quality": "Agent协作质量", "Timeouts/Incomplete Rounds": "超时/未完成轮次",
    "Agent Reasoning": "Agent推理", "6. Cost & Token Analysis": "6. 成本与Token分析", "Cost Breakdown": "成本分布",
    "Cache Efficiency": "缓存效率", "Tool Cost Impact": "工具成本影响", "7. Errors & Issues": "7. 错误与问题",
    "Exceptions": "异常", "Failed Tool Calls": "失败的工具调用", "Agent Errors": "Agent错误", "Timeouts": "超时",
    "Tool Reliability": "工具可靠性", "Enforcement": "强制执行", "8. Recommendations": "8. 建议", "High Priority": "高优先级",
    "Medium Priority": "中优先级", "Low Priority / Future Improvements": "低优先级/未来改进",
    "9. Suggested Linear Issues": "9. 建议的Linear问题", "Appendix": "附录", "Configuration Used": "使用的配置",
    "Files Generated": "生成的文件", "What Was Not Recorded": "未记录的内容",
}  # fmt: skip

_TABLES = {
    "Metric": "指标", "Value": "数值", "Question": "问题", "State": "运行状态", "Duration": "总时长", "Agents": "Agent列表",
    "Winner": "获胜Agent", "Total Cost": "总成本", "Total Answers": "总答案数", "Total Votes": "总投票数",
    "Total Restarts": "总重启次数", "Phase": "阶段", "Count": "次数", "Avg (s)": "平均时长(秒)", "Max (s)": "最长时长(秒)",
    "Total (s)": "总时长(秒)", "% of Total": "占比(%)", "Command": "命令", "Times Run": "运行次数", "Issue": "存在的问题",
    "Recommendation": "改进建议", "Output Size": "输出大小", "Pattern": "模式", "Max Time (s)": "最长耗时(秒)",
    "Avg Time (s)": "平均耗时(秒)", "Notes": "说明", "Label": "标签", "Agent": "Agent", "Time": "时间",
    "Summary (agent's words)": "摘要(Agent原话)", "Voter": "投票Agent", "Voted For": "投票对象",
    "Reason (agent's words)": "理由(Agent原话)", "Input Tokens": "输入Token", "Output Tokens": "输出Token",
    "Reasoning": "推理Token", "Cost": "成本", "**Total**": "**总计**", "Tool": "工具", "Calls": "调用次数", "Time (s)": "耗时(秒)",
    "Work Type": "工作类型", "Times Repeated": "重复次数", "Wasted Time (s)": "浪费时间(秒)", "Wasted Cost": "浪费成本",
    "Priority": "优先级", "Title": "标题", "Description": "描述", "Labels": "标签",
}  # fmt: skip

_SENTENCES = {
    "**Session:** {session}, turn {turn}, attempt {attempt} of {attempts}  ":
        "**会话：** {session}，轮次 {turn}，尝试 {attempt}/{attempts}  ",
    "**Trace ID:** not queried  ": "**追踪ID：** 未查询  ",
    "**Generated:** {when} (draft measured by massgen-logs)  ": "**生成时间：** {when}（草稿由 massgen-logs 测量）  ",
    "**Logfire Link:** none": "**Logfire链接：** 无",
    "\nshown {shown} of {total}; the rest: {tool}": "\n显示 {shown}/{total}；其余：{tool}",
    "unknown": "未知", "not recorded": "未记录", "none": "无", "{cost} (a floor)": "{cost}（下限）",
    "{accepted} accepted, {ignored} ignored, {refused} refused, {counted} counted":
        "{accepted} 已接受, {ignored} 被忽略, {refused} 被拒绝, {counted} 计入",
    "{n} ({each}; MassGen's times_restarted, the presentation included)": "{n}（{each}；MassGen 的 times_restarted，含最终展示）",
    "unknown ({range})": "未知（{range}）",
    "2-3 sentences: the task, how it ended, the key findings": "2-3句话：任务内容、如何结束、关键发现",
    "which of these matter, and any coordination problem that only reading shows": "其中哪些重要，以及只有阅读日志才能看出的协调问题",
    "This version records no rounds: phases are not known.": "此版本不记录轮次：阶段时长未知。",
    "\nSummed over agents, which work in parallel; a share of that sum, not of the run.":
        "\n为各Agent之和（并行工作）；占比是该总和的占比，而非运行时长的占比。",
    "{n}. {what} - {s} s": "{n}. {what} - {s} 秒",
    "{n}. {what} - {s} s ({share}% of the run)": "{n}. {what} - {s} 秒（占运行时长 {share}%）",
    "- wall time {phase}: {s} s, held by {who} ({what})": "- 实际时间 {phase}：{s} 秒，取决于 {who}（{what}）",
    "No times are recorded.": "未记录耗时。", "what held the run up": "是什么拖慢了运行",
    "No file holds calls: unknown.": "没有文件记录调用：未知。",
    "{ran} ran, {distinct} distinct, {failed} failed, {denied} tool calls denied.":
        "运行 {ran} 次，不同命令 {distinct} 个，失败 {failed} 次，被拒绝的工具调用 {denied} 次。",
    "which repetitions could be avoided, and how": "哪些重复可以避免，如何避免", "No command ran twice.": "没有命令运行两次。",
    "No output over 1,000 characters is recorded.": "没有记录超过1,000字符的输出。",
    "which outputs were unnecessarily long": "哪些输出过长且无必要", "No command times are recorded.": "未记录命令耗时。",
    "No duplicated work among {n} calls.": "{n} 次调用中没有重复的工作。",
    "- {kind} {what}: again {n} times ({within} by the same agent, {across} by others)":
        "- {kind} {what}：再次进行 {n} 次（同一Agent {within} 次，其他Agent {across} 次）",
    "what the repeats were for; costly work told in words; read_trace": "重复的目的；用文字描述的昂贵工作；read_trace",
    "how to avoid it, or: none": "如何避免，或写：无",
    "{n} after a restart": "{n} 次在重启后", "{n} failed": "{n} 次失败", "by {n} agents": "{n} 个Agent", "{n} chars": "{n} 字符",
    "text not recorded": "文本未记录", "- {n} tool calls have no recorded end": "- {n} 次工具调用没有记录结束",
    "- {agent}: its last start (+{t} s, round {round}) led to no answer and no accepted vote":
        "- {agent}: 最后一次启动（+{t} 秒，轮次 {round}）没有产生答案，也没有被接受的投票",
    "what each answer claimed, and what changed between an agent's answers": "每个答案声称了什么，同一Agent的答案之间有何变化",
    "No answer was submitted.": "没有提交答案。", "No vote counts.": "没有计入的投票。",
    "how agents chose between voting and a new answer; vote_reasons, read_trace":
        "Agent如何在投票与新答案之间选择；vote_reasons, read_trace",
    "did agents read each other's answers, build on them, evaluate genuinely: yes or no, with evidence":
        "Agent是否阅读了彼此的答案、是否在其基础上构建、是否真实评估：是/否，附证据",
    "None recorded.": "无记录。",
    "strategy, reaction to tool results, error recovery, decision quality, 2-3 quotes":
        "策略、对工具结果的反应、错误恢复、决策质量、2-3条引用",
    "\nNot counted: {votes} (reasons: vote_reasons).": "\n未计入：{votes}（理由：vote_reasons）。",
    "This version records no tokens and no cost: unknown, not zero.": "此版本不记录Token与成本：未知，而非零。",
    "Not recorded.": "未记录。",
    "\nCorrected {name}: input {input}, output {output} ({why}).": "\n修正 {name}: 输入 {input}，输出 {output}（{why}）。",
    "\nThe figures include {over}.": "\n这些数字包含：{over}。",
    "Cached input tokens: {cached} ({rate}% cache hit rate)": "缓存输入Token: {cached}（缓存命中率 {rate}%）",
    "No tool calls.": "没有工具调用。", "- {agent}: {incidents}, {lost} characters lost": "- {agent}: {incidents}，丢失 {lost} 个字符",
    "None.": "无。", "same input with different output, false successes, likely root causes":
        "相同输入不同输出、误报的成功、可能的根本原因",
    "{failed} failed calls that MassGen calls success, {hidden} that hid an error; the same input gave different results {unequal} times (find_errors).":
        "{failed} 次失败的调用被 MassGen 记为成功，{hidden} 次隐藏了错误；相同输入得到不同结果 {unequal} 次（find_errors）。",
    "This version keeps no record of refused responses.": "此版本不记录被拒绝的响应。",
    "- {id}: backend {backend}, model {model}": "- {id}: 后端 {backend}，模型 {model}",
    "- responses that MassGen refused (no enforcement record in this version)": "- 被MassGen拒绝的响应（此版本没有强制执行记录）",
    "- tokens and cost": "- Token与成本", "- how many votes were ignored": "- 被忽略的投票数",
    "- tool calls that the client itself refused": "- 客户端自身拒绝的工具调用", "- missing files: {files}": "- 缺失的文件：{files}",
    "1. issue: what to do about it; or: none": "1. 问题：如何处理；或写：无", "as above": "同上",
    "rows; labels: log-analysis and an area. Created only after the user's approval":
        "表格行；标签：log-analysis 与一个领域。仅在用户批准后创建",
    "No files in the final workspace.": "最终工作区中没有文件。", "Nothing known to be missing.": "没有已知的缺失。",
    "- {name} ({size} bytes)": "- {name}（{size} 字节）", "- {n} more": "- 另有 {n} 个", "- {n} or more more": "- 另有 {n} 个或更多",
    "No files in the final workspace; that of {label} had {n}: {names}": "最终工作区中没有文件；{label} 的工作区有 {n} 个：{names}",
    "coordination completed": "所有阶段已完成", "all agents answered": "所有Agent已提交答案", "voting completed": "投票已完成",
    "winner selected": "已选出获胜者", "final answer delivered": "已交付最终答案",
}  # fmt: skip

_ZH = {**_SENTENCES, **_TABLES, **_HEADINGS}
_CJK = re.compile(r"[\u3400-\u9fff]")


def _bare(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.lower())


@dataclass(frozen=True, slots=True)
class Say:
    """Renders fixed text in one language."""

    language: str = "en"

    def __call__(self, text: str, /, **values: object) -> str:
        """A fixed sentence with its measured parts filled in."""
        said = _ZH.get(text, text) if self.language == "zh" else text
        return said.format(**values) if values else said

    def header(self, *names: str) -> tuple[str, ...]:
        """A table's header."""
        return tuple(self(name) for name in names)

    def heading(self, title: str) -> str:
        """A heading without its marks; in Chinese "Status" the heading is not "Status" the word, so headings have their own list."""
        return _HEADINGS.get(title, title) if self.language == "zh" else title

    def rest(self, shown: int, total: int, tool: str) -> list[str]:
        """The line that announces a cut table and names the tool that has the rest; nothing if nothing was cut."""
        if total <= shown:
            return []
        return [self("\nshown {shown} of {total}; the rest: {tool}", shown=shown, total=total, tool=tool)]

    def judge(self, what: str) -> str:
        """A place that the analysing agent must fill."""
        return f"{MARK}{self(what)}]]"


def language_of(content: str) -> str:
    """The language of a report, by its title: Chinese if its first level-one heading holds Chinese characters."""
    title = re.search(r"^# +(.+)$", content, re.M)
    return "zh" if title and _CJK.search(title[1]) else "en"


def plain(heading: str) -> str:
    """A heading, table header or row name for comparing: no number, mark, space or case."""
    bare = re.sub(r"^#+\s*", "", heading.strip())
    return _bare(re.sub(r"^\d+[.、．]\s*", "", bare))


def canonical(text: str) -> str:
    """`plain` of the English of a heading, table header or row name in either language."""
    found = plain(text)
    return _EN.get(found, found)


_EN = {plain(zh): plain(en) for en, zh in {**_TABLES, **_HEADINGS}.items()}
