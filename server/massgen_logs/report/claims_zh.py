"""Chinese sentences that call an agent's answer correct or incorrect, by the same rules as the English ones."""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec import Struct

_NOUN = r"(?:答案|回答|解答|答复|结论|解法|作答|最终展示)"
_LOOSE = r"(?:结果|数字|数值|数|总和|值|输出|计数|推理|计算|证明|推导|诗|俳句|文章|译文|代码)"
_ADJECTIVE = (
    r"(?:正确|错误|准确|无误|有误|对的|错的|对了|错了|不对|(?:符合|违背|不符)(?:了|合)?(?:事实|真实(?:情况)?|实际(?:情况)?)"
    r"|(?:没有|毫无|无)(?:任何)?(?:错误|差错))"
)
_NOT_NOUN = r"(?!\s*(?:的?(?:标签|标识|编号|格式|文件|路径|目录|[iI][dD])|性|率|消息|信息|日志|记录|处理|码|数量))"
_SURE = r"(?:是|均|都|也|仍然?|依然|唯一|完全|完全地|十分|绝对|确实|显然|并|不|非|全部|全|就|为|因此|被证明|被验证|被确认|经验证|已验证为|证明|事实上|在数学上|数学上|看来|似乎|应该|应当|同样|无疑|的|\s)*"
_VALUE = r"(?:\s*[A-Za-z0-9_.,$€%+:/()（）\"'`\s-]{0,30})"
_GOT = r"(?:得出|得到|给出|算出|计算出|求出|找到|找出|提交|推导出|推断出|获得|猜出|猜到|答出)"
_DO = (
    r"(?:回答|解答|识别|判断|计算|算出|求出|求得|得出|找出|找到|解决|推断|推导|统计|数出|解出|分析|指出|预测|定位|确定)"
)
_ADVERB = r"(?:正确|准确|错误|不正确|精确无误)地?"

_EXCUSED_BEFORE = re.compile(
    r"声称|自称|据称|宣称|号称|(?<![名对职简])称(?![为呼])|认为|相信|以为|觉得|主张|断言|说(?!明)|写道|写到|表示|提到|指出其|依据其说法|根据其|假设|假定|假如|如果|若|除非"
    r"|是否|能否|有没有|并?不(?:说明|表示|意味|证明|等于)|确保|要求|请(?!求)|询问|问道|未知|不明|不清楚|不知道|无法|不能|未能|没有标准|没有提供|未提供|标记为",
)
"""Says whose words they are, asks, or denies knowing, when it stands in the claim's own clause before its end."""
_OWN_VOICE = re.compile(r"(?:我们?|笔者)(?:认为|相信|觉得|断言|判断)")
"""The analyst's own voice, which excuses nothing."""
_CUT = re.compile(r"(?<=[，,；;：:])")
_HANDED_ON = re.compile(
    r"(?:声称|宣称|认为|相信|以为|觉得|主张|断言|说|写道|写到|表示|指出|问道)[，,：:]$|^\W*(?:根?据|依据|按照?)[^，,]*(?:说|看来|观点|说法|看法|理由|称)[，,]$"
)
"""A clause whose excuse is about the next one."""
_JOINED = re.compile(r"\s*(?:且|并且|而且|以及)")
_EXCUSED_AFTER = re.compile(
    r"^[^。！？；,，|]{0,12}?(?:与否|未知|不明|不得而知|无从|无法|不能(?:确定|判断)|未提供|未给出|没有给出|吗|尚不)"
)
_PROCESS = re.compile(
    r"MassGen|系统|工具|指标|日志|文件|记录|命令|票数|计票|投票|标签|次数|时长|成本|Token|路径|格式|目录|标识|参数|时间戳|脚本|退出码|编排",
    re.I,
)
_JUDGED = re.compile(rf"{_NOUN}|{_LOOSE}")

WHOLE = re.compile(
    rf"\W*(?:(?:最终)?(?:{_NOUN}|结果|正确性|结论)\s*[:：]?\s*)?(?:是|为)?\s*(?:不?正确|准确|无误|对的|错的|答对|答错)(?:的)?(?:{_NOUN}|结果)?[\s。！!]*"
)
"""A table cell or list item that is nothing else."""


class Finder(Struct, frozen=True):
    """Finds claims about these agents; each pattern with whether it may be about the process unless an agent is named."""

    who: re.Pattern[str]
    patterns: list[tuple[re.Pattern[str], bool]]

    def search(self, sentence: str) -> str | None:
        """The words of a claim in a sentence, or None."""
        before, excused = "", False
        sentence = _OWN_VOICE.sub("", sentence)
        for clause in _CUT.split(sentence):
            handed = excused and (bool(_HANDED_ON.search(before)) or bool(_JOINED.match(clause)))
            if not handed and (words := self._claim(clause, before)):
                return words
            excused = handed or bool(_EXCUSED_BEFORE.search(clause) or _HANDED_ON.search(clause))
            before = clause
        return None

    def _claim(self, clause: str, before: str) -> str | None:
        for pattern, process in self.patterns:
            for hit in pattern.finditer(clause):
                until, after = clause[: hit.end()], clause[hit.end() :]
                if _EXCUSED_BEFORE.search(until) or _EXCUSED_AFTER.match(after):
                    continue
                judged = _JUDGED.search(hit[0]) or not _PROCESS.search(hit[0])
                if not judged or (process and _PROCESS.search(before + until) and not self.who.search(until)):
                    continue
                return hit[0].strip()
        return None


def finder(agents: Iterable[str]) -> Finder:
    """For a run with these agents."""
    ids = "".join("|" + re.escape(agent) for agent in agents)
    who = rf"(?:agent[\w.]*|智能体|代理|双方|两者|二者|它们?|其|他们|获胜者|胜者|赢家|大家{ids})"
    return Finder(re.compile(who, re.I), _patterns(who))


def _patterns(who: str) -> list[tuple[re.Pattern[str], bool]]:
    return [
        (re.compile(pattern, re.I), process)
        for pattern, process in (
            (rf"{_NOUN}{_VALUE}{_SURE}{_ADJECTIVE}{_NOT_NOUN}", False),
            (rf"(?:正确|准确)的?(?:最终|唯一)?{_NOUN}{_NOT_NOUN}", False),
            (rf"(?:错误|不正确|有误)的?(?:最终)?{_NOUN}{_NOT_NOUN}", False),
            (
                rf"{_GOT}了?[^。；|]{{0,12}}?(?:正确|准确|错误|不正确|对)的(?:最终)?(?:{_LOOSE}|{_NOUN}){_NOT_NOUN}",
                True,
            ),
            (rf"{who}[^。；|]{{0,20}}?(?:的|得出|给出)(?:最终)?{_LOOSE}{_VALUE}{_SURE}{_ADJECTIVE}{_NOT_NOUN}", False),
            (rf"(?:{_LOOSE}|[\d,.]*\d\s*){_VALUE}{_SURE}{_ADJECTIVE}{_NOT_NOUN}", True),
            (rf"(?:正确|真正|真实|错误)的?(?:{_LOOSE}|{_NOUN}){_VALUE}(?:是|为|应为|应该是)", True),
            (rf"^\W*(?:这|那|此|其|该结果){_SURE}是?{_SURE}(?:正确|错误|准确|对|错)的", True),
            (r"成功解决了?(?:这个|该|此)?(?:问题|任务|题目|难题)", True),
            (r"(?:任务|题目|难题)[^。；，|]{0,4}?成功(?:地)?解决", True),
            (rf"(?:更好|最好|最佳|更优)的?{_NOUN}", False),
            (rf"{_NOUN}(?:{_SURE})(?:没有|毫无|无)(?:任何)?问题", False),
            (rf"{_LOOSE}{_VALUE}{_SURE}属实", True),
            (r"(?:出现|犯|存在)了?(?:一个|一处)?(?:计算|算术|推理|逻辑)(?:失误|错误)", True),
            (r"正确率\W*\d", False),
            (rf"{_ADVERB}{_DO}", True),
            (
                rf"{_DO}得?(?:完全|很|十分|非常|都)?不?(?:正确|准确|无误|有误|错误)(?!性|率|信息|日志|消息|码|处理|的)",
                True,
            ),
            (rf"{_NOUN}[^。；，|]{{0,6}}(?:有|存在|包含)(?:一个|明显的?)?(?:错误|差错)", False),
            (r"(?:答|算|做|猜|解|数)(?:对|错)(?=了|[。！，；\s]|$)", False),
            (rf"{who}[^。；，|]{{0,14}}?是(?:完全)?(?:正确|对|错误|错|准确)的", False),
            (r"(?:任务|问题|题目)[^。；，|]{0,12}?(?:得到了?|被|已)?(?:正确|准确)地?(?:解决|完成|回答|解答)", False),
            (
                r"与(?:真实|正确|预期|标准|已知|实际)的?(?:值|答案|结果|数值)(?:完全)?(?:一致|相符|相等|吻合|相同)",
                False,
            ),
        )
    ]
